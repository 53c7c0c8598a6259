import { setTimeout as sleep } from 'node:timers/promises'
import {
  freshPrefix,
  leakCheck,
  sharedMemcached,
  sharedRedis,
  sharedRedisCluster,
  spawnTypescript,
} from '@plinth/testing'
import { describe, expect, test } from 'vitest'
import { createRateLimiter } from '../src/index.js'
import { openedBackend } from './opened-backend.js'

leakCheck()

const holder = new URL('./processes/hold.ts', import.meta.url)

// on Memcached no lease is shorter than five seconds
const kinds = [
  { kind: 'redis', address: sharedRedis, leaseMs: 1_000 },
  { kind: 'cluster', address: sharedRedisCluster, leaseMs: 1_000 },
  { kind: 'memcached', address: sharedMemcached, leaseMs: 5_000 },
] as const

describe.concurrent('slots in flight', () => {
  test.each(kinds)(
    'on $kind are kept while their holder lives, and free within the lease once it was killed',
    {
      timeout: 60_000,
    },
    async ({ kind, address, leaseMs }) => {
      const [url, prefix] = [await address(), freshPrefix('slots')]
      const limit = `concurrency 3 lease ${leaseMs}ms`
      const child = spawnTypescript(holder, [kind, url, prefix, limit])
      const { backend, close } = await openedBackend(kind, url, prefix)
      const limiter = createRateLimiter({ backend, policies: { export: { limits: [limit] } }, deadline: '5s' })
      const isAdmitted = async (): Promise<boolean> => (await limiter.check('export', 'tenant:1')).allowed

      expect(await child.receive()).toEqual({ held: 3 })
      await sleep(1.5 * leaseMs) // longer than the lease: it is renewed
      expect(await isAdmitted()).toBe(false)
      child.signal('SIGKILL')
      await child.ended
      expect(await isAdmitted()).toBe(false)
      await sleep(leaseMs)
      expect([await isAdmitted(), await isAdmitted(), await isAdmitted()]).toEqual([true, true, true])
      expect(await isAdmitted()).toBe(false)
      await limiter.close()
      await close()
    },
  )
})
