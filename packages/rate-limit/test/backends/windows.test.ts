import { setTimeout as sleep } from 'node:timers/promises'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { freshPrefix, leakCheck, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { memcachedBackend } from '../../src/backends/memcached.js'
import { redisBackend } from '../../src/backends/redis.js'
import { createRateLimiter, memoryBackend, type RateLimitBackend, type RateLimiter } from '../../src/index.js'

leakCheck()

const open: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const one of open) await one.close()
})

/** Backends by the clocks of their real servers. */
const backends: Readonly<Record<string, () => Promise<RateLimitBackend>>> = {
  memory: async () => memoryBackend(),
  redis: async () => redisBackend(own(await openRedis({ url: await sharedRedis() })), { prefix: freshPrefix('rl') }),
  'redis cluster': async () => {
    const cluster = own(await openRedis({ cluster: [new URL(await sharedRedisCluster()).host] }))
    return redisBackend(cluster, { prefix: freshPrefix('rl') })
  },
  memcached: async () => {
    const memcached = own(openMemcached({ servers: await sharedMemcached() }))
    await memcached.whenReady()
    return memcachedBackend(memcached, { prefix: freshPrefix('rl') })
  },
}

function own<Part extends { close(): Promise<void> }>(part: Part): Part {
  open.push(part)
  return part
}

async function limiterOn(backend: string, limit: string): Promise<RateLimiter<'api'>> {
  const made = await (backends[backend] ?? backends.memory)?.()
  if (made === undefined) throw new TypeError('no such backend')
  return createRateLimiter({
    backend: made,
    policies: { api: { limits: [limit] } },
    onOutage: 'closed',
    deadline: '5s',
  })
}

async function admittedOf(tries: number, limiter: RateLimiter<'api'>): Promise<number> {
  let admitted = 0
  for (let i = 0; i < tries; i += 1) if ((await limiter.check('api', 'a')).allowed) admitted += 1
  return admitted
}

describe.each(Object.keys(backends))('on %s', (backend) => {
  const algorithms = backend === 'memcached' ? ['fixed', 'sliding', 'strict'] : ['fixed', 'sliding', 'gcra', 'strict']

  test.concurrent.each(algorithms)('a window of 45 days refuses until it is over: %s', async (algorithm) => {
    const limiter = await limiterOn(backend, `3/45d ${algorithm}`)
    expect(await admittedOf(10, limiter)).toBe(3)
    const denied = await limiter.check('api', 'a')
    expect(denied).toMatchObject({ allowed: false, degraded: false })
    expect(denied.resetAfterMs).toBeGreaterThan(0)
    await sleep(1100) // what a server has rounded down to "at once" would be gone now
    expect(await admittedOf(3, limiter)).toBe(0)
  })

  test.concurrent.each(algorithms)(
    'a window below a second refuses, and admits when it said: %s',
    async (algorithm) => {
      const limiter = await limiterOn(backend, `2/700ms ${algorithm}`)
      const decided = async () => {
        let decision = await limiter.check('api', 'a')
        // a machine that stalls for a tenth of the window makes Memcached too slow to say
        while (decision.degraded) decision = await limiter.check('api', 'a')
        return decision
      }
      let denied = await decided()
      for (let i = 0; i < 10 && denied.allowed; i += 1) denied = await decided()
      expect(denied.allowed).toBe(false)
      expect(denied.retryAfterMs).toBeLessThanOrEqual(1540)
      await sleep(denied.retryAfterMs + 5)
      expect((await decided()).allowed).toBe(true)
    },
  )
})
