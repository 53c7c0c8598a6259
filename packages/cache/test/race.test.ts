import { freshPrefix, sharedMemcached, sharedRedis, sharedRedisCluster, spawnTypescript } from '@plinth/testing'
import { describe, expect, it } from 'vitest'

const isLong = process.env.PLINTH_LONG === '1'
const rounds = isLong ? 6_000 : 250
const worker = new URL('./processes/race.ts', import.meta.url)

/** A copy in another process is dropped when the server's message is there: within this, see `tieredBackend`. */
const tieredMarginMs = 100

interface Backend {
  address(): Promise<string>
  /** How long after an invalidation returned another process may still see what was there. */
  readonly marginMs: number
  readonly processes?: number
}

const backends: Readonly<Record<string, Backend>> = {
  memory: { address: async () => '', marginMs: 0, processes: 1 },
  redis: { address: sharedRedis, marginMs: 0 },
  cluster: { address: sharedRedisCluster, marginMs: 0 },
  memcached: { address: sharedMemcached, marginMs: 0 },
  tiered: { address: sharedRedis, marginMs: tieredMarginMs },
  'tiered-cluster': { address: sharedRedisCluster, marginMs: tieredMarginMs },
}

describe('two processes that read, write and invalidate at random', () => {
  for (const [kind, { address, marginMs, processes = 2 }] of Object.entries(backends)) {
    it(`never see a value from before an invalidation that had returned, on ${kind}`, {
      timeout: 600_000,
    }, async () => {
      const each = String((rounds * 2) / processes)
      const args = [kind, await address(), await sharedRedis(), freshPrefix('race'), each, String(marginMs)]
      const children = Array.from({ length: processes }, () =>
        spawnTypescript(worker, args, { receiveTimeout: 500_000 }),
      )
      const results = await Promise.all(children.map((child) => child.receive<{ reads: number; stale: number }>()))
      if (isLong) console.log(`race on ${kind}: ${JSON.stringify(results)}`)
      expect(results.map(({ stale }) => stale)).toEqual(results.map(() => 0))
      expect(results.every(({ reads }) => reads > 50)).toBe(true)
    })
  }
})
