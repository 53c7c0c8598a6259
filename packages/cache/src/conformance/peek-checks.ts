import { equal, ok } from 'node:assert/strict'
import type { CacheStore } from '../cache-backend.js'
import { at, type CacheBackendCheck, type CacheBackendFixture, entryOf, LONG, stores, textOf } from './fixture.js'

const HEAD = Buffer.from('head')
const PEEK_MS = 60_000

/** What is answered at once, without I/O. A store need not know anything so; what it answers must be what a read would. */
export const peekChecks: readonly CacheBackendCheck[] = [
  {
    name: 'what is answered at once is what was stored last',
    run: async (fixture) => {
      const [store] = stores(fixture)
      for (const text of ['one', 'two']) {
        await store.write(at('a'), entryOf(store, text, { peekMs: PEEK_MS, head: HEAD }))
        equal(await peeked(store), text)
        equal(textOf(await store.read(at('a'))), text)
        equal(await peeked(store), text)
      }
      const { lease } = await store.claim(at('a'), { mode: 'refresh', leaseMs: 20_000 })
      equal(await peeked(store, 'two'), 'two')
      equal(await lease?.fill(entryOf(store, 'three', { peekMs: PEEK_MS, head: HEAD })), true)
      equal(await peeked(store, 'three'), 'three')
    },
  },
  {
    name: 'what was invalidated here is not answered at once any more, and elsewhere soon not either',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const ways: readonly ((by: CacheStore) => Promise<unknown>)[] = [
        (by) => by.remove(['a']),
        (by) => by.stamp(['t:user:42']),
        (by) => by.stamp(['n']),
        (by) => by.take(at('a')),
        (by) => by.write(at('a'), entryOf(by, 'new', { head: Buffer.from('new') })),
      ]
      for (const invalidate of ways) {
        for (const by of [store, other]) {
          await store.remove(['a'])
          await store.write(at('a'), entryOf(store, 'old', { peekMs: PEEK_MS, head: HEAD }))
          await store.read(at('a'))
          await invalidate(by)
          if (by === store) ok(!isOld(store), 'the old is still answered at once')
          else await soon(fixture, () => !isOld(store))
          const { lease } = await store.claim(at('a'), { mode: 'steal', leaseMs: 20_000 })
          await by.stamp(['n'])
          await lease?.fill(entryOf(store, 'old', { peekMs: PEEK_MS, head: HEAD }))
          ok(!isOld(store), 'a late fill is answered at once')
        }
      }
    },
  },
  {
    name: 'what is no longer fresh is not answered at once, nor what has no time left for that',
    run: async (fixture) => {
      const [store] = stores(fixture)
      const short = { ...LONG, freshMs: 1_000, peekMs: 1_000, head: HEAD }
      await store.write(at('a'), entryOf(store, 'old', short))
      await store.read(at('a'))
      // A store of bytes peeks at copies, which have a time of their own.
      if (store.holds === 'values') await store.write(at('b'), entryOf(store, 'b', { peekMs: 1_000 }))
      await fixture.elapse(1_300)
      equal(textOf(await store.read(at('a'))), 'old')
      ok(!isOld(store))
      equal(store.peek?.('b'), undefined)
    },
  },
]

/** What is answered at once for `a`, where something is; otherwise `text`, which is what a read answers. */
async function peeked(store: CacheStore, text?: string): Promise<string | undefined> {
  const fresh = store.peekFresh?.('a')
  const head = fresh?.head
  if (head !== undefined) equal(Buffer.from(head).toString(), 'head')
  const answers = [store.peek?.('a'), fresh?.body].filter((answer) => answer !== undefined).map(String)
  const [first = text ?? textOf(await store.read(at('a')))] = answers
  ok(answers.every((answer) => answer === first))
  return first
}

function isOld(store: CacheStore): boolean {
  return store.peek?.('a') === 'old' || store.peekFresh?.('a')?.body === 'old'
}

/** Waits until something is so: what another process did is heard of within moments. */
async function soon(fixture: CacheBackendFixture, isSo: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && !isSo(); round++) await fixture.elapse(50)
  ok(isSo(), 'what another process invalidated is still answered at once')
}
