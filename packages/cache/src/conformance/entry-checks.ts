import { deepEqual, equal, ok } from 'node:assert/strict'
import { at, type CacheBackendCheck, entryOf, GUARDS, seenElsewhere, stores, textOf } from './fixture.js'

/** Entries: written, read, replaced, expired, removed, taken. */
export const entryChecks: readonly CacheBackendCheck[] = [
  {
    name: 'a key that was never written is absent',
    run: async (fixture) => {
      const [store] = stores(fixture)
      equal(await store.read(at('a')), undefined)
      equal(await store.remove(['a']), 0)
      equal(await store.take(at('a')), undefined)
      equal(await store.touch(at('a'), entryOf(store, '')), false)
    },
  },
  {
    name: 'an entry is read as it was written, here and elsewhere',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const head = Buffer.from('200 OK')
      await store.write(at('a'), entryOf(store, 'body', { head, format: 513, costMs: 123 }))
      for (const found of [await store.read(at('a')), await stores(fixture)[1].read(at('a', []))]) {
        equal(textOf(found), 'body')
        deepEqual(Buffer.from(found?.head ?? []), head)
        equal(found?.format, 513)
        equal(found?.costMs, 123)
        deepEqual(found?.guards, GUARDS)
      }
    },
  },
  {
    name: 'the head can be read by itself',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'x'.repeat(10_000), { head: Buffer.from('head') }))
      const found = await store.read(at('a'), 'head')
      equal(Buffer.from(found?.head ?? []).toString(), 'head')
      ok(found?.body === undefined || textOf(found)?.length === 10_000)
    },
  },
  {
    name: 'a body may hold any byte, or none',
    run: async (fixture) => {
      const [store] = stores(fixture)
      for (const body of [Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), Buffer.alloc(0)]) {
        await store.write(at('a'), entryOf(store, '', { body }))
        deepEqual((await store.read(at('a')))?.body, body)
      }
    },
  },
  {
    name: 'a write replaces what was there',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'one'))
      await store.write(at('a'), entryOf(store, 'two'))
      equal(textOf(await store.read(at('a'))), 'two')
    },
  },
  {
    name: 'an entry is fresh, then stale, then in its grace, then gone',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'x', { freshMs: 2_000, staleMs: 4_000, graceMs: 8_000 }))
      const fresh = await store.read(at('a'))
      ok(fresh !== undefined && fresh.freshForMs > 0 && fresh.freshForMs <= 2_000, 'fresh')
      await fixture.elapse(2_500)
      const stale = await store.read(at('a'))
      ok(stale !== undefined && stale.freshForMs <= 0 && stale.staleForMs > 0 && stale.ageMs >= 2_400, 'stale')
      await fixture.elapse(2_500)
      const grace = await store.read(at('a'))
      ok(grace !== undefined && grace.staleForMs <= 0 && grace.graceForMs > 0, 'grace')
      await fixture.elapse(4_500)
      equal(await store.read(at('a')), undefined)
    },
  },
  {
    name: 'a write on condition happens only then, of many at once one',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      equal(await store.write(at('a'), entryOf(store, 'no'), 'present'), false)
      const writes = Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? store : other).write(at('a'), entryOf(store, 'first'), 'absent'),
      )
      equal((await Promise.all(writes)).filter(Boolean).length, 1)
      equal(await store.write(at('a'), entryOf(store, 'second'), 'present'), true)
      equal(textOf(await store.read(at('a'))), 'second')
      await store.stamp(['t:user:42'])
      equal(await store.write(at('a'), entryOf(store, 'third'), 'present'), false)
      equal(await store.write(at('a'), entryOf(store, 'third'), 'absent'), true)
      equal(textOf(await store.read(at('a'))), 'third')
    },
  },
  {
    name: 'remove answers how many there were, and they are gone everywhere',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'x'))
      await store.write(at('b'), entryOf(store, 'x'))
      equal(await store.remove(['a', 'b', 'c']), 2)
      equal(await seenElsewhere(fixture, 'a'), undefined)
      equal(await store.remove(['a', 'b', 'c']), 0)
    },
  },
  {
    name: 'of many takers one gets the entry',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'once'))
      const taken = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? store : other).take(at('a'))),
      )
      deepEqual(
        taken.map(textOf).filter((text) => text !== undefined),
        ['once'],
      )
      equal(await store.read(at('a')), undefined)
    },
  },
  {
    name: 'touch gives a new lifetime from now',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'x', { freshMs: 2_000, staleMs: 2_000, graceMs: 2_000 }))
      equal(await store.touch(at('a'), { freshMs: 10_000, staleMs: 10_000, graceMs: 10_000 }), true)
      await fixture.elapse(2_500)
      const found = await store.read(at('a'))
      equal(textOf(found), 'x')
      ok(found !== undefined && found.freshForMs > 5_000)
    },
  },
  {
    name: 'namespaces are apart',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const neighbour = fixture.backend.open(`${fixture.namespace}x`)
      await store.write(at('a'), entryOf(store, 'mine'))
      await neighbour.write(at('a'), entryOf(neighbour, 'theirs'))
      await neighbour.stamp(['n'])
      equal(textOf(await store.read(at('a'))), 'mine')
      equal(await neighbour.read(at('a')), undefined)
    },
  },
  {
    name: 'inspect tells what is there and what invalidated it',
    run: async (fixture) => {
      const [store] = stores(fixture)
      equal((await store.inspect(at('a'))).state, 'absent')
      await store.write(at('a'), entryOf(store, 'x', { freshMs: 2_000, staleMs: 9_000, graceMs: 2_000 }))
      equal((await store.inspect(at('a'))).state, 'fresh')
      await fixture.elapse(2_500)
      equal((await store.inspect(at('a'))).state, 'stale')
      const { lease } = await store.claim(at('a'), { mode: 'need', leaseMs: 20_000 })
      equal((await store.inspect(at('a'))).leased, true)
      await lease?.release()
      equal((await store.inspect(at('a'))).leased, false)
      await store.stamp(['t:user:42'])
      const voided = await store.inspect(at('a'))
      equal(voided.state, 'invalidated')
      deepEqual(
        voided.changed.map(({ guard }) => guard),
        ['t:user:42'],
      )
      ok(Math.abs((voided.changed[0]?.at ?? 0) - Date.now()) < 60_000)
    },
  },
  {
    name: 'nothing confirmed was lost while nothing happened',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      await store.verify()
      await store.write(at('a'), entryOf(store, 'x'))
      equal(await store.verify(), true)
      equal(await other.verify(), true)
      equal(textOf(await store.read(at('a'))), 'x')
    },
  },
]
