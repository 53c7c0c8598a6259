import { ConfigError } from '@plinth/config/units'
import { BackendUnavailableError } from '@plinth/core'
import { describe, expect, test } from 'vitest'
import { createRateLimiter, disabledRateLimiter, memoryBackend, RateLimitUsageError } from '../src/index.js'
import type { RateLimitBackend } from '../src/rate-limit-backend.js'
import { FakeClock } from './fake-clock.js'

function limiterWith(limits: readonly string[], clock = new FakeClock()) {
  const backend = memoryBackend({ clock })
  return { clock, limiter: createRateLimiter({ backend, policies: { api: { limits } } }) }
}

async function admitted(calls: number, check: () => Promise<{ allowed: boolean }>): Promise<number> {
  let count = 0
  for (let i = 0; i < calls; i += 1) count += (await check()).allowed ? 1 : 0
  return count
}

describe('a check', () => {
  test.each(['5/1m', '5/1m fixed', '5/1m gcra', '5/1m strict', 'concurrency 5'])(
    'admits exactly 5 at once: %s',
    async (limit) => {
      const { limiter } = limiterWith([limit])
      expect(await admitted(20, () => limiter.check('api', 'user:1'))).toBe(5)
      expect((await limiter.check('api', 'user:2')).allowed).toBe(true)
    },
  )

  test('tells limit, remaining, and when to come back', async () => {
    const { limiter, clock } = limiterWith(['3/1m fixed'])
    expect(await limiter.check('api', 'u')).toMatchObject({ allowed: true, limit: 3, remaining: 2, retryAfterMs: 0 })
    await limiter.check('api', 'u', { cost: 2 })
    clock.advance(15_000)
    const denied = await limiter.check('api', 'u')
    expect(denied).toMatchObject({
      allowed: false,
      outcome: 'limited',
      remaining: 0,
      retryAfterMs: 45_000,
      violated: ['api'],
    })
    clock.advance(44_999)
    expect((await limiter.check('api', 'u')).allowed).toBe(false)
    clock.advance(1)
    expect((await limiter.check('api', 'u')).allowed).toBe(true)
  })

  test('charges every limit or none', async () => {
    const { limiter } = limiterWith(['2/1m', '100/1d fixed'])
    expect(await admitted(50, () => limiter.check('api', 'u'))).toBe(2)
    const day = (await limiter.peek('api', 'u')).limits.find((limit) => limit.name === 'api-1d')
    expect(day?.remaining).toBe(98)
  })

  test('of several subjects charges all or none', async () => {
    const { limiter } = limiterWith(['3/1m'])
    const both = () =>
      limiter.checkAll([
        { policy: 'api', subject: 'user:1' },
        { policy: 'api', subject: 'org:1' },
      ])
    await limiter.check('api', 'org:1', { cost: 2 })
    expect(await admitted(5, both)).toBe(1)
    expect((await limiter.peek('api', 'user:1')).remaining).toBe(2)
  })

  test('counts by unit when the cost names one', async () => {
    const { limiter } = limiterWith(['60/1m', 'tokens: 1000/1m'])
    const decision = await limiter.check('api', 'u', { cost: { tokens: 700 } })
    expect(decision.limits.map((limit) => limit.remaining)).toEqual([59, 300])
    expect((await limiter.check('api', 'u', { cost: { tokens: 700 } })).violated).toEqual(['api-tokens-1m'])
  })
})

describe('a decision can be corrected', () => {
  test.each(['5/1m', '5/1m fixed', '5/1m gcra', '5/1m strict', 'concurrency 5'])(
    'refund restores %s',
    async (limit) => {
      const { limiter } = limiterWith([limit])
      const before = await limiter.peek('api', 'u')
      const decision = await limiter.check('api', 'u')
      await decision.refund()
      await decision.refund()
      expect((await limiter.peek('api', 'u')).remaining).toBe(before.remaining)
    },
  )

  test('settle charges what it turned out to be', async () => {
    const { limiter } = limiterWith(['100/1m'])
    const decision = await limiter.check('api', 'u', { cost: 40 })
    await decision.settle(10)
    expect((await limiter.peek('api', 'u')).remaining).toBe(90)
    await decision.settle(95)
    expect((await limiter.peek('api', 'u')).remaining).toBe(5)
    await decision.refund()
    expect((await limiter.peek('api', 'u')).remaining).toBe(100)
  })

  test('release frees the slot and keeps the charge', async () => {
    const { limiter } = limiterWith(['concurrency 1', '10/1m'])
    const decision = await limiter.check('api', 'u')
    expect((await limiter.check('api', 'u')).allowed).toBe(false)
    await decision.release()
    const next = await limiter.check('api', 'u')
    expect(next.allowed).toBe(true)
    expect(next.limits[1]?.remaining).toBe(8)
    await limiter.close()
  })
})

describe('tiers', () => {
  const options = {
    backend: memoryBackend(),
    policies: { api: { limits: ['10/1m'] }, login: { limits: ['5/15m strict'], tiered: false } },
    tiers: {
      free: { limits: { api: ['2/1m'] } },
      pro: { extends: 'free', scale: 10 },
      internal: 'unlimited',
    },
  } as const

  test('extend and scale one another', async () => {
    const limiter = createRateLimiter(options)
    expect(limiter.explain('api').limits[0]?.limit).toBe('10/1m sliding')
    expect(limiter.explain('api', { tier: 'free' }).limits[0]?.limit).toBe('2/1m sliding')
    expect(limiter.explain('api', { tier: 'pro' }).limits[0]?.limit).toBe('20/1m sliding')
    expect(limiter.explain('login', { tier: 'pro' }).limits[0]?.limit).toBe('5/15m strict')
    expect(await limiter.check('api', 'u', { tier: 'internal' })).toMatchObject({
      allowed: true,
      limit: Number.POSITIVE_INFINITY,
    })
  })

  test('an upgrade applies at once and keeps what was used', async () => {
    const limiter = createRateLimiter({ ...options, backend: memoryBackend({ clock: new FakeClock() }) })
    await limiter.check('api', 'u', { tier: 'free', cost: 2 })
    expect((await limiter.check('api', 'u', { tier: 'free' })).allowed).toBe(false)
    expect(await limiter.check('api', 'u', { tier: 'pro' })).toMatchObject({ allowed: true, remaining: 17 })
  })
})

describe('a block', () => {
  test('refuses its subject everywhere until it ends or is lifted', async () => {
    const { limiter, clock } = limiterWith(['5/1m'])
    expect(await limiter.block('u', '10m')).toBe(600_000)
    expect(await limiter.check('api', 'u')).toMatchObject({ allowed: false, outcome: 'blocked', retryAfterMs: 600_000 })
    clock.advance(599_999)
    expect((await limiter.check('api', 'u')).allowed).toBe(false)
    clock.advance(1)
    expect((await limiter.check('api', 'u')).allowed).toBe(true)
    await limiter.block('u', '10m')
    await limiter.unblock('u')
    expect((await limiter.check('api', 'u')).allowed).toBe(true)
  })

  test('escalates while it is remembered', async () => {
    const clock = new FakeClock()
    const policies = { login: { limits: ['1/1s strict'], escalate: { block: '1m', factor: 3, max: '5m' } } }
    const limiter = createRateLimiter({ backend: memoryBackend({ clock }), policies })
    const lengths: number[] = []
    for (let i = 0; i < 4; i += 1) {
      await limiter.check('login', 'u')
      const denied = await limiter.check('login', 'u')
      expect(denied.outcome).toBe('blocked')
      expect((await limiter.check('login', 'u')).retryAfterMs).toBe(denied.retryAfterMs)
      lengths.push(denied.retryAfterMs)
      clock.advance(denied.retryAfterMs)
    }
    expect(lengths).toEqual([60_000, 180_000, 300_000, 300_000])
  })
})

describe('wrong calls are typed errors', () => {
  const limiter = createRateLimiter({ backend: memoryBackend(), policies: { api: { limits: ['10/1m'] } } })
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 11, 2 ** 60, '1' as unknown as number])(
    'a cost of %s',
    async (cost) => {
      await expect(limiter.check('api', 'u', { cost })).rejects.toBeInstanceOf(RateLimitUsageError)
      await expect(limiter.check('api', 'u', { cost: { requests: cost } })).rejects.toBeInstanceOf(RateLimitUsageError)
      expect((await limiter.peek('api', 'u')).remaining).toBe(10)
    },
  )

  test('an unknown policy, tier, unit; no subject', async () => {
    await expect(limiter.check('apo' as 'api', 'u')).rejects.toMatchObject({ code: 'RATE_LIMIT_UNKNOWN_POLICY' })
    await expect(limiter.check('__proto__' as 'api', 'u')).rejects.toMatchObject({ code: 'RATE_LIMIT_UNKNOWN_POLICY' })
    await expect(limiter.check('api', 'u', { tier: 'gold' as never })).rejects.toMatchObject({
      code: 'RATE_LIMIT_UNKNOWN_TIER',
    })
    await expect(limiter.check('api', 'u', { cost: { token: 3 } })).rejects.toMatchObject({
      code: 'RATE_LIMIT_INVALID_COST',
    })
    await expect(limiter.check('api', '')).rejects.toMatchObject({ code: 'RATE_LIMIT_INVALID_SUBJECT' })
  })

  test('every fault of the configuration at once', () => {
    const broken = () =>
      createRateLimiter({
        backend: memoryBackend(),
        policies: { api: { limits: ['100/', '-1/1m'] }, other: { limits: [] }, twice: { limits: ['1/1m', '2/1m'] } },
        tiers: {
          a: { extends: 'b' },
          b: { extends: 'a' },
          c: { extends: 'gone', scale: 0 },
          d: { limits: { nope: ['1/1m'] } },
        },
        routes: { 'get /x': 'api', 'GET /y': 'missing' as 'api' },
      })
    expect(broken).toThrowError(ConfigError)
    try {
      broken()
    } catch (error) {
      expect((error as ConfigError).faults.length).toBeGreaterThanOrEqual(10)
    }
  })
})

describe('while the backend is away', () => {
  const away: RateLimitBackend = {
    name: 'away',
    remote: true,
    blocksNobody: false,
    available: false,
    refuses: () => undefined,
    decide: () => Promise.reject(new BackendUnavailableError('away', { reason: 'closed' })),
    adjust: () => Promise.reject(new BackendUnavailableError('away', { reason: 'closed' })),
    block: () => Promise.reject(new BackendUnavailableError('away', { reason: 'closed' })),
    reset: () => Promise.reject(new BackendUnavailableError('away', { reason: 'closed' })),
  }

  test('each policy answers as it says, and every answer says degraded', async () => {
    const limits = ['8/1m']
    const policies = {
      local: { limits },
      open: { limits, onOutage: 'open' },
      closed: { limits, onOutage: 'closed' },
    } as const
    const limiter = createRateLimiter({ backend: away, policies, instances: 4 })
    expect(await admitted(20, () => limiter.check('local', 'u'))).toBe(2)
    expect(await admitted(20, () => limiter.check('open', 'u'))).toBe(20)
    expect(await limiter.check('closed', 'u')).toMatchObject({ allowed: false, outcome: 'unavailable', degraded: true })
    expect(await limiter.check('local', 'u')).toMatchObject({ degraded: true, degradedReason: 'unavailable' })
  })
})

test('the null object admits everything and says that nothing is enforced', async () => {
  const limiter = disabledRateLimiter()
  expect(await limiter.check('anything', 'u')).toMatchObject({ allowed: true, enforced: false, degraded: false })
  expect(limiter.enabled).toBe(false)
})

test('a policy that nothing uses is named', async () => {
  const policies = {
    api: { limits: ['1/1m'] },
    login: { limits: ['1/1m'] },
    cron: { limits: ['1/1m'], routed: false },
    feed: { limits: ['1/1m'] },
  }
  const limiter = createRateLimiter({ backend: memoryBackend(), policies, routes: { 'GET /feed': 'feed' } })
  expect(limiter.unusedPolicies()).toEqual(['api', 'login'])
  limiter.noteRoute('api')
  await limiter.check('login', 'u')
  expect(limiter.unusedPolicies()).toEqual([])
})

test('other rules apply at once, and wrong ones are refused as a whole', async () => {
  const { limiter } = limiterWith(['10/1m'])
  await limiter.check('api', 'u', { cost: 4 })
  limiter.reload({ policies: { api: { limits: ['6/1m'] } } })
  expect((await limiter.peek('api', 'u')).remaining).toBe(2)
  expect(() => limiter.reload({ policies: { api: { limits: ['6/'] } } })).toThrowError(ConfigError)
  expect((await limiter.peek('api', 'u')).remaining).toBe(2)
})
