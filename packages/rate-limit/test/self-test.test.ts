import { openRedis } from '@plinth/core/redis'
import { freshRedis, leakCheck } from '@plinth/testing'
import { expect, test } from 'vitest'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter, memoryBackend, type RateLimitBackend, type Verdict } from '../src/index.js'

leakCheck()

/** A limiter whose one policy is in use. */
function limiterOn(backend: RateLimitBackend) {
  return createRateLimiter({ backend, policies: { api: { limits: ['5/1m'] } }, routes: { '/*': 'api' } })
}

/** A memory backend whose every verdict is changed. */
function lying(change: (verdict: Verdict) => Verdict): RateLimitBackend {
  const sound = memoryBackend()
  return {
    ...{ name: 'lying', remote: false, blocksNobody: true, available: true },
    refuses: () => undefined,
    decide: async (...order) => change(await sound.decide(...order)),
    adjust: (...order) => sound.adjust(...order),
    block: (...order) => sound.block(...order),
    reset: (...order) => sound.reset(...order),
  }
}

test('a backend that limits is well, and keeps nothing of the test', async () => {
  const backend = memoryBackend()
  expect(await limiterOn(backend).selfTest()).toEqual([])
  expect(backend.size).toBe(0)
})

test('a backend that admits all, or nothing, is told', async () => {
  const all = await limiterOn(lying((verdict) => ({ ...verdict, admitted: true }))).selfTest()
  expect(all).toEqual([expect.stringContaining('admitted both')])
  const none = await limiterOn(lying((verdict) => ({ ...verdict, admitted: false }))).selfTest()
  expect(none).toEqual([expect.stringContaining('refused the first')])
})

test('a Redis that gives quotas back when it is full is told, and one that refuses to write then is not', async () => {
  const server = await freshRedis({ config: ['maxmemory 64mb', 'maxmemory-policy allkeys-lru'] })
  const connection = await openRedis({ url: server.url })
  const limiter = limiterOn(redisBackend(connection))
  expect(await limiter.selfTest()).toEqual([expect.stringContaining('maxmemory-policy allkeys-lru')])
  await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  expect(await limiter.selfTest()).toEqual([])
  await connection.close()
})
