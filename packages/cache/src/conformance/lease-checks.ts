import { equal, ok } from 'node:assert/strict'
import type { CacheStore, Claim, ClaimRequest } from '../cache-backend.js'
import { at, type CacheBackendCheck, entryOf, LEASE_MS, seenElsewhere, stores, textOf } from './fixture.js'

const claim = (store: CacheStore, mode: ClaimRequest['mode'] = 'need', leaseMs = LEASE_MS): Promise<Claim> =>
  store.claim(at('a'), { mode, leaseMs })

/** Leases: one computes, late fills are refused, dead holders are replaced. */
export const leaseChecks: readonly CacheBackendCheck[] = [
  {
    name: 'of many who miss at once, here and elsewhere, one gets the lease',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const claims = await Promise.all(Array.from({ length: 50 }, (_, index) => claim(index % 2 ? store : other)))
      equal(claims.filter(({ lease }) => lease !== undefined).length, 1)
      ok(claims.every(({ entry }) => entry === undefined))
    },
  },
  {
    name: 'what is filled is read, and a fresh entry is claimed by nobody',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const { lease } = await claim(store)
      equal(await lease?.fill(entryOf(store, 'filled', { costMs: 50 })), true)
      equal(await seenElsewhere(fixture, 'a'), 'filled')
      const { entry, lease: none } = await claim(other)
      equal(textOf(entry), 'filled')
      equal(entry?.costMs, 50)
      equal(none, undefined)
    },
  },
  {
    name: 'a stale entry is claimed by one, and read by the others meanwhile',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'old', { freshMs: 1_000, staleMs: 60_000 }))
      await fixture.elapse(1_300)
      const first = await claim(store)
      const second = await claim(other)
      equal(textOf(first.entry), 'old')
      equal(textOf(second.entry), 'old')
      ok(first.lease !== undefined)
      equal(second.lease, undefined)
      equal(await first.lease.fill(entryOf(store, 'new')), true)
      equal(textOf((await claim(other)).entry), 'new')
    },
  },
  {
    name: 'a fill that comes after an invalidation is refused, whatever invalidated',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const life = { freshMs: 60_000, staleMs: 60_000, graceMs: 60_000 }
      const ways: readonly (() => Promise<unknown>)[] = [
        () => other.remove(['a']),
        () => other.stamp(['t:user:42']),
        () => other.stamp(['n']),
        () => other.write(at('a'), entryOf(other, 'written')),
        () => other.take(at('a')),
        () => other.increment(at('a'), 1, life),
      ]
      for (const invalidate of ways) {
        for (const had of [false, true]) {
          await store.remove(['a'])
          if (had)
            await store.write(
              at('a'),
              entryOf(store, '1', { format: 0, body: store.holds === 'bytes' ? Buffer.from('1') : 1 }),
            )
          const { lease } = await claim(store, 'refresh')
          await invalidate()
          equal(await lease?.fill(entryOf(store, 'late')), false)
          ok((await seenElsewhere(fixture, 'a')) !== 'late')
        }
      }
    },
  },
  {
    name: 'a lease that was voided holds nobody up',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const old = await claim(store)
      await other.stamp(['p:user'])
      const young = await claim(other)
      ok(young.lease !== undefined)
      equal(await old.lease?.fill(entryOf(store, 'old')), false)
      equal(await young.lease.fill(entryOf(store, 'young')), true)
      equal(await seenElsewhere(fixture, 'a'), 'young')
    },
  },
  {
    name: 'a lease that was given back goes to the next',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const first = await claim(store)
      equal(await first.lease?.release(), true)
      const second = await claim(other)
      ok(second.lease !== undefined)
      equal(await first.lease?.fill(entryOf(store, 'too late')), false)
      await store.stamp(['n'])
      equal(await second.lease.release(), false)
    },
  },
  {
    name: 'whoever holds a lease and gives no sign of life is replaced',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const dead = await claim(store, 'need', 1_000)
      equal((await claim(other)).lease, undefined)
      await fixture.elapse(2_200)
      const next = await claim(other)
      ok(next.lease !== undefined)
      equal(await dead.lease?.renew(1_000), false)
      equal(await dead.lease?.fill(entryOf(store, 'from the dead')), false)
    },
  },
  {
    name: 'a lease that is renewed stays',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const { lease } = await claim(store, 'need', 2_000)
      for (let beat = 0; beat < 3; beat++) {
        await fixture.elapse(900)
        equal(await lease?.renew(2_000), true)
      }
      equal((await claim(other)).lease, undefined)
      equal(await lease?.fill(entryOf(store, 'in the end')), true)
    },
  },
  {
    name: 'a lease can be had on a fresh entry, and taken from its holder',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      await store.write(at('a'), entryOf(store, 'fresh'))
      const refresher = await claim(store, 'refresh')
      ok(refresher.lease !== undefined)
      equal(textOf(refresher.entry), 'fresh')
      equal((await claim(other, 'refresh')).lease, undefined)
      const thief = await claim(other, 'steal')
      ok(thief.lease !== undefined)
      equal(await refresher.lease.fill(entryOf(store, 'robbed')), false)
      equal(await seenElsewhere(fixture, 'a'), 'fresh')
      equal(await thief.lease.fill(entryOf(store, 'stolen')), true)
      equal(await seenElsewhere(fixture, 'a'), 'stolen')
    },
  },
  {
    name: 'who waits for a lease is woken when it ends, or when the time is up',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      const { lease } = await claim(store)
      const began = performance.now()
      await other.settled('a', 50)
      ok(performance.now() - began < 5_000)
      const woken = waitUntilDone(other)
      await lease?.fill(entryOf(store, 'done'))
      equal(await woken, 'done')
      await other.settled('a', 20_000, AbortSignal.abort())
    },
  },
  {
    name: 'a lease is no entry',
    run: async (fixture) => {
      const [store] = stores(fixture)
      await claim(store)
      equal(await store.read(at('a')), undefined)
      equal(await store.touch(at('a'), entryOf(store, '')), false)
      equal(await store.remove(['a']), 0)
      await claim(store)
      equal(await store.write(at('a'), entryOf(store, 'x'), 'present'), false)
      equal(await store.write(at('a'), entryOf(store, 'x'), 'absent'), true)
    },
  },
]

/** Waits as a cache does: look, wait to be told or for a moment, look again. */
async function waitUntilDone(store: CacheStore): Promise<string | undefined> {
  for (let round = 0; round < 200; round++) {
    const { entry, lease } = await store.claim(at('a'), { mode: 'need', leaseMs: LEASE_MS })
    if (entry !== undefined || lease !== undefined) return textOf(entry)
    await store.settled('a', 100)
  }
  return undefined
}
