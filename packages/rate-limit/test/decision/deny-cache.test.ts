import { describe, expect, test } from 'vitest'
import { createRateLimiter, memoryBackend, type RateLimitBackend } from '../../src/index.js'
import { FakeClock } from '../fake-clock.js'

/** A backend that is asked over a wire, as far as the limiter knows, and counts how often. */
function remoteBackend(clock: FakeClock) {
  const inner = memoryBackend({ clock })
  const asked = { decide: 0, adjust: 0 }
  const backend: RateLimitBackend = {
    name: 'counting',
    remote: true,
    blocksNobody: false,
    available: true,
    refuses: () => undefined,
    decide: async (...order) => {
      asked.decide += 1
      return inner.decide(...order)
    },
    adjust: async (...order) => {
      asked.adjust += 1
      return inner.adjust(...order)
    },
    block: async (...order) => inner.block(...order),
    reset: async (...order) => inner.reset(...order),
  }
  return { backend, asked }
}

function limiterWith(...limits: readonly string[]) {
  const clock = new FakeClock()
  const { backend, asked } = remoteBackend(clock)
  const limiter = createRateLimiter({ backend, clock, policies: { api: { limits }, other: { limits: ['9/1m'] } } })
  return { clock, limiter, asked }
}

describe('a flood of refused calls', () => {
  test('asks the store no more often than calls were admitted, and once for the first refusal', async () => {
    const { limiter, asked } = limiterWith('5/1h', '1000/1d')
    let admitted = 0
    for (let i = 0; i < 20_000; i += 1) if ((await limiter.check('api', 'a')).allowed) admitted += 1
    expect(admitted).toBe(5)
    expect(asked.decide).toBe(6)
  })

  test('costs the store one question a second, so that what others give back is seen', async () => {
    const { limiter, asked, clock } = limiterWith('5/1h')
    await limiter.check('api', 'a', { cost: 5 })
    for (let i = 0; i < 100; i += 1) {
      await limiter.check('api', 'a')
      clock.advance(100)
    }
    expect(asked.decide).toBe(1 + 10)
  })
})

describe('a remembered refusal', () => {
  test('tells the time that is left, and ends when the store would admit', async () => {
    const { limiter, asked, clock } = limiterWith('2/500ms fixed')
    await limiter.check('api', 'a', { cost: 2 })
    const { retryAfterMs } = await limiter.check('api', 'a')
    clock.advance(100)
    expect(await limiter.check('api', 'a')).toMatchObject({ allowed: false, retryAfterMs: retryAfterMs - 100 })
    expect(asked.decide).toBe(2)
    clock.advance(retryAfterMs - 100)
    expect((await limiter.check('api', 'a')).allowed).toBe(true)
  })

  test('never refuses a smaller cost, another subject or another policy', async () => {
    const { limiter } = limiterWith('5/1h')
    await limiter.check('api', 'a', { cost: 3 })
    expect((await limiter.check('api', 'a', { cost: 3 })).allowed).toBe(false)
    expect((await limiter.check('api', 'a', { cost: 2 })).allowed).toBe(true)
    expect((await limiter.check('api', 'b', { cost: 3 })).allowed).toBe(true)
    expect((await limiter.check('other', 'a')).allowed).toBe(true)
  })

  test('does not outlast a refund, a reset, the end of a block, or other rules', async () => {
    const { limiter } = limiterWith('1/1h')
    const decision = await limiter.check('api', 'a')
    const refused = async () => !(await limiter.check('api', 'a')).allowed
    expect(await refused()).toBe(true)
    await decision.refund()
    expect(await refused()).toBe(false)
    expect(await refused()).toBe(true)
    await limiter.reset('api', 'a')
    expect(await refused()).toBe(false)
    await limiter.block('a', '1m')
    expect(await refused()).toBe(true)
    await limiter.unblock('a')
    await limiter.reset('api', 'a')
    expect(await refused()).toBe(false)
    expect(await refused()).toBe(true)
    limiter.reload({ policies: { api: { limits: ['2/1h'] }, other: { limits: ['9/1m'] } } })
    expect(await refused()).toBe(false)
  })

  test('is none for slots, which are given back at any moment', async () => {
    const { limiter, asked } = limiterWith('concurrency 1')
    const holder = await limiter.check('api', 'a')
    for (let i = 0; i < 5; i += 1) expect((await limiter.check('api', 'a')).allowed).toBe(false)
    expect(asked.decide).toBe(6)
    await holder.release()
    expect((await limiter.check('api', 'a')).allowed).toBe(true)
    await limiter.close()
  })
})
