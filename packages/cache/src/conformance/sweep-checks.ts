import { deepEqual, equal, rejects } from 'node:assert/strict'
import { compilePattern } from '../keys/key-pattern.js'
import { at, type CacheBackendCheck, entryOf, LEASE_MS, seenElsewhere, stores } from './fixture.js'

/** Deleting by pattern, for backends that can list their keys. A backend that cannot passes them all. */
export const sweepChecks: readonly CacheBackendCheck[] = [
  {
    name: 'a sweep removes what matches, everywhere, and counts it',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      if (store.sweep === undefined) return
      const keys = Array.from({ length: 300 }, (_, index) => `user:${index}:posts`)
      await Promise.all(keys.map((key) => store.write(at(key), entryOf(store, 'x'))))
      const kept = ['user:1', 'user:1:postsx', 'users:1:posts', 'a%2A']
      await Promise.all(kept.map((key) => store.write(at(key), entryOf(store, 'kept'))))
      const pattern = compilePattern('user:*:posts')
      equal(await store.sweep(pattern, { dryRun: true }), 300)
      const progress: number[] = []
      equal(await other.sweep?.(pattern, { dryRun: false, onProgress: (removed) => progress.push(removed) }), 300)
      equal(progress.at(-1), 300)
      for (const key of keys) equal(await seenElsewhere(fixture, key), undefined)
      deepEqual(
        await Promise.all(kept.map((key) => seenElsewhere(fixture, key))),
        kept.map(() => 'kept'),
      )
    },
  },
  {
    name: 'a sweep keeps late fills of what matches from being stored',
    run: async (fixture) => {
      const [store, other] = stores(fixture)
      if (store.sweep === undefined) return
      const swept = await store.claim(at('user:1'), { mode: 'need', leaseMs: LEASE_MS })
      const spared = await store.claim(at('post:1'), { mode: 'need', leaseMs: LEASE_MS })
      equal(await other.sweep?.(compilePattern('user:*'), { dryRun: false }), 0)
      equal(await swept.lease?.fill(entryOf(store, 'late')), false)
      equal(await spared.lease?.fill(entryOf(store, 'in time')), true)
      equal(await seenElsewhere(fixture, 'user:1'), undefined)
      equal(await seenElsewhere(fixture, 'post:1'), 'in time')
    },
  },
  {
    name: 'a sweep can be ended',
    run: async (fixture) => {
      const [store] = stores(fixture)
      if (store.sweep === undefined) return
      await store.write(at('a'), entryOf(store, 'x'))
      await rejects(
        store.sweep(compilePattern('*'), { dryRun: false, signal: AbortSignal.abort(new Error('enough')) }),
        /enough/,
      )
    },
  },
]
