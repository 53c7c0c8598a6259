import { equal } from 'node:assert/strict'
import { at, type CacheBackendCheck, entryOf, LEASE_MS, seenElsewhere, stores, textOf } from './fixture.js'

/** Guards: what depends on a stamped guard is void everywhere, and nothing else is. */
export const guardChecks: readonly CacheBackendCheck[] = [
  {
    name: 'a stamp voids everything that depends on the guard, and nothing else',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      for (const key of ['a', 'b', 'c']) await store.write(at(key), entryOf(store, key))
      await store.write(at('d', ['n', 't:user:43']), entryOf(store, 'd'))
      await other.stamp(['t:user:42'])
      for (const key of ['a', 'b', 'c']) equal(await seenElsewhere(fixture, key), undefined)
      equal(await store.read(at('a')), undefined)
      equal(await seenElsewhere(fixture, 'd'), 'd')
      await store.stamp(['n'])
      equal(await store.read(at('d')), undefined)
    },
  },
  {
    name: 'what is written after a stamp is valid',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.stamp(['t:user:42', 'n'])
      await store.write(at('a'), entryOf(store, 'new'))
      equal(await seenElsewhere(fixture, 'a'), 'new')
    },
  },
  {
    name: 'an entry is judged by its own guards, whatever its reader knows of them',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a', ['n', 't:x', 't:y']), entryOf(store, 'a'))
      equal(textOf(await store.read(at('a', []))), 'a')
      equal(textOf(await store.read(at('a', ['t:y', 't:z', 'n']))), 'a')
      await store.stamp(['t:z'])
      equal(textOf(await store.read(at('a', ['t:z']))), 'a')
      await store.stamp(['t:y'])
      equal(await store.read(at('a', [])), undefined)
      equal(await store.read(at('a', ['t:z'])), undefined)
      equal((await store.claim(at('a', ['t:z']), { mode: 'need', leaseMs: LEASE_MS })).entry, undefined)
    },
  },
  {
    name: 'a replaced entry depends on its new guards only',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await store.write(at('a', ['n', 't:old']), entryOf(store, 'a'))
      await store.write(at('a', ['n', 't:new']), entryOf(store, 'b'))
      await store.stamp(['t:old'])
      equal(textOf(await store.read(at('a', []))), 'b')
      await store.stamp(['t:new'])
      equal(await store.read(at('a', [])), undefined)
    },
  },
  {
    name: 'a stamped entry can be neither taken nor touched nor counted on',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const life = { freshMs: 60_000, staleMs: 60_000, graceMs: 60_000 }
      for (const key of ['a', 'b']) await store.write(at(key), entryOf(store, 'x'))
      await store.increment(at('n'), 5, life)
      await store.stamp(['t:user:42'])
      equal(await store.take(at('a')), undefined)
      equal(await store.touch(at('b'), life), false)
      equal(await store.increment(at('n'), 1, life), 1)
    },
  },
  {
    name: 'a guard found out by the computation counts like any other',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const { lease } = await store.claim(at('a'), { mode: 'need', leaseMs: LEASE_MS })
      equal(await lease?.fill(entryOf(store, 'x', { extraGuards: ['t:post:7', 't:post:8'] })), true)
      equal(await seenElsewhere(fixture, 'a'), 'x')
      await store.stamp(['t:post:8'])
      equal(await seenElsewhere(fixture, 'a'), undefined)
      const again = await store.claim(at('a'), { mode: 'need', leaseMs: LEASE_MS })
      equal(await again.lease?.fill(entryOf(store, 'y', { extraGuards: ['t:post:8'] })), true)
      equal(await seenElsewhere(fixture, 'a'), 'y')
    },
  },
  {
    name: 'a guard found out by the computation and stamped meanwhile keeps it from being stored',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      for (const known of [false, true]) {
        const guard = `t:late:${known}`
        if (known) await store.write(at('other', [guard]), entryOf(store, 'x'))
        const { lease } = await store.claim(at('a'), { mode: 'need', leaseMs: LEASE_MS })
        await other.stamp([guard])
        equal(await lease?.fill(entryOf(store, 'x', { extraGuards: [guard] })), false)
        equal(await store.read(at('a')), undefined)
      }
    },
  },
  {
    name: 'a change of a guard found out late is remembered, though nothing depends on it any more',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      for (const forget of [(): Promise<unknown> => other.remove(['b']), () => store.read(at('b', ['n', 't:late']))]) {
        await store.remove(['a'])
        await store.write(at('b', ['n', 't:late']), entryOf(store, 'b'))
        const { lease } = await store.claim(at('a'), { mode: 'need', leaseMs: LEASE_MS })
        await other.stamp(['t:late'])
        await forget()
        equal(await lease?.fill(entryOf(store, 'late', { extraGuards: ['t:late'] })), false)
        equal(await seenElsewhere(fixture, 'a'), undefined)
      }
    },
  },
]
