import { openRedis, type RedisConnection } from '@plinth/core/redis'
import { freshPrefix, leakCheck, sharedRedis } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisBackend } from '../../src/backends/redis.js'
import { createRateLimiter, type RateLimitBackend } from '../../src/index.js'

leakCheck()

let redis: RedisConnection
beforeAll(async () => {
  redis = await openRedis({ url: await sharedRedis() })
})
afterAll(() => redis.close())

/** Two instances of a service with one hot limit, and how often they asked the store. */
function instances(limit: string) {
  const prefix = freshPrefix('rl')
  const asked = { decide: 0 }
  const make = () => {
    const inner = redisBackend(redis, { prefix })
    const backend: RateLimitBackend = {
      name: inner.name,
      remote: true,
      blocksNobody: false,
      available: true,
      refuses: (...order) => inner.refuses(...order),
      decide: (...order) => {
        asked.decide += 1
        return inner.decide(...order)
      },
      adjust: (...order) => inner.adjust(...order),
      block: (...order) => inner.block(...order),
      reset: (...order) => inner.reset(...order),
    }
    const policies = { global: { limits: [limit], hot: true } }
    return createRateLimiter({ backend, policies, instances: 2, deadline: '5s', onOutage: 'closed' })
  }
  return { limiters: [make(), make()] as const, asked }
}

describe.each(['fixed', 'sliding', 'gcra'])('a hot %s limit', (algorithm) => {
  test('is never exceeded by instances that spend in advance, and asks the store seldom', async () => {
    const { limiters, asked } = instances(`400/1h ${algorithm}`)
    let admitted = 0
    const work = async (limiter: (typeof limiters)[number]): Promise<void> => {
      for (let i = 0; i < 150; i += 1) if ((await limiter.check('global', 'all')).allowed) admitted += 1
    }
    await Promise.all(limiters.flatMap((limiter) => [work(limiter), work(limiter)]))
    expect(admitted).toBeLessThanOrEqual(400)
    expect(asked.decide).toBeLessThan(400)
    // what was taken and not spent is there again for whoever comes
    await Promise.all(limiters.map((limiter) => limiter.close()))
    const [fresh] = limiters
    while ((await fresh.check('global', 'all')).allowed) admitted += 1
    expect(admitted).toBe(400)
    await fresh.close()
  })

  test('gives back at its close what it did not spend', async () => {
    const { limiters } = instances(`100/1h ${algorithm}`)
    const [first, second] = limiters
    for (let i = 0; i < 10; i += 1) await first.check('global', 'all')
    await first.close()
    expect((await second.peek('global', 'all')).remaining).toBe(90)
    await second.close()
  })

  test('gives back just its own part when a decision is refunded', async () => {
    const { limiters } = instances(`100/1h ${algorithm}`)
    const [first, second] = limiters
    const decisions = []
    for (let i = 0; i < 10; i += 1) decisions.push(await first.check('global', 'all'))
    await decisions[4]?.refund()
    await first.close()
    expect((await second.peek('global', 'all')).remaining).toBe(91)
    await second.close()
  })
})
