import { describe, expect, test } from 'vitest'
import { createRateLimiter, memoryBackend } from '../../src/index.js'
import { FakeClock } from '../fake-clock.js'

const isLong = process.env.PLINTH_LONG === '1'
const keys = isLong ? 1_000_000 : 20_000
const room = isLong ? 10_000 : 500

describe.each(['fixed', 'sliding', 'gcra', 'strict'])('in memory, %s', (algorithm) => {
  test('any number of keys takes no more room than was given, and a count survives them', {
    timeout: 300_000,
  }, async () => {
    const backend = memoryBackend({ maxEntries: room, clock: new FakeClock() })
    const limiter = createRateLimiter({ backend, policies: { api: { limits: [`5/1h ${algorithm}`] } } })
    await limiter.check('api', 'the victim', { cost: 5 })
    for (let i = 0; i < keys; i += 1) {
      await limiter.check('api', `key ${i}`)
      if (i % 1000 === 0) expect((await limiter.check('api', 'the victim')).allowed).toBe(false)
    }
    expect(backend.size).toBeLessThanOrEqual(room)
    expect((await limiter.check('api', 'the victim')).allowed).toBe(false)
  })

  test('whoever cycles through keys wins nothing back, also for the key that was evicted first', async () => {
    const backend = memoryBackend({ maxEntries: 50, clock: new FakeClock() })
    const limiter = createRateLimiter({ backend, policies: { api: { limits: [`3/1h ${algorithm}`] } } })
    const admitted = new Map<string, number>()
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 200; i += 1) {
        const { allowed } = await limiter.check('api', `key ${i}`)
        if (allowed) admitted.set(`key ${i}`, (admitted.get(`key ${i}`) ?? 0) + 1)
      }
    }
    expect(Math.max(...admitted.values())).toBeLessThanOrEqual(3)
  })
})
