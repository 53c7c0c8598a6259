import { ConfigError } from '@plinth/config/units'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/error-codes.js'
import { createRateLimiter, memoryBackend, type RateLimitUsageCode, RateLimitUsageError } from '../src/index.js'
import { FakeClock } from './fake-clock.js'

const policies = { api: { limits: ['10/1m', 'tokens: 100/1m'] }, slots: { limits: ['concurrency 2'] } }
const limiter = createRateLimiter<string, string>({
  backend: memoryBackend({ clock: new FakeClock() }),
  policies,
  tiers: { pro: { scale: 2 }, internal: 'unlimited' },
})

describe('a wrong call is a typed error, charges nothing, and is never an accidental yes', () => {
  const wrong: readonly (readonly [string, unknown, unknown, object, string])[] = [
    ['an unknown policy', 'apo', 'u', {}, 'RATE_LIMIT_UNKNOWN_POLICY'],
    ['a policy named like something of Object', 'constructor', 'u', {}, 'RATE_LIMIT_UNKNOWN_POLICY'],
    ['no policy', undefined, 'u', {}, 'RATE_LIMIT_UNKNOWN_POLICY'],
    ['an unknown tier', 'api', 'u', { tier: 'gold' }, 'RATE_LIMIT_UNKNOWN_TIER'],
    ['a tier named like something of Object', 'api', 'u', { tier: '__proto__' }, 'RATE_LIMIT_UNKNOWN_TIER'],
    ['an empty tier', 'api', 'u', { tier: '' }, 'RATE_LIMIT_UNKNOWN_TIER'],
    ['no tier, but null', 'api', 'u', { tier: null }, 'RATE_LIMIT_UNKNOWN_TIER'],
    ['an empty subject', 'api', '', {}, 'RATE_LIMIT_INVALID_SUBJECT'],
    ['no subject', 'api', undefined, {}, 'RATE_LIMIT_INVALID_SUBJECT'],
    ['a number as the subject', 'api', 42, {}, 'RATE_LIMIT_INVALID_SUBJECT'],
    ['an object as the subject', 'api', { toString: () => 'u' }, {}, 'RATE_LIMIT_INVALID_SUBJECT'],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, '1', null, true].map(
      (cost) =>
        [
          `a cost of ${JSON.stringify(cost)} (${String(cost)})`,
          'api',
          'u',
          { cost },
          'RATE_LIMIT_INVALID_COST',
        ] as const,
    ),
    ['a cost of 0 for a slot', 'slots', 'u', { cost: 0 }, 'RATE_LIMIT_INVALID_COST'],
    [
      'a cost of NaN where all is unlimited',
      'api',
      'u',
      { tier: 'internal', cost: Number.NaN },
      'RATE_LIMIT_INVALID_COST',
    ],
    ['an unknown unit', 'api', 'u', { cost: { token: 1 } }, 'RATE_LIMIT_INVALID_COST'],
    ['a negative number of a unit', 'api', 'u', { cost: { tokens: -5 } }, 'RATE_LIMIT_INVALID_COST'],
    ['a cost above the limit', 'api', 'u', { cost: { requests: 11 } }, 'RATE_LIMIT_COST_ABOVE_LIMIT'],
    ['a cost above the limit of a unit', 'api', 'u', { cost: { tokens: 101 } }, 'RATE_LIMIT_COST_ABOVE_LIMIT'],
  ]

  test.each(wrong)('%s', async (_, policy, subject, options, code) => {
    const calls = [
      () => limiter.check(policy as string, subject as string, options),
      () => limiter.peek(policy as string, subject as string, options),
      () => limiter.checkAll([{ policy: policy as string, subject: subject as string, ...options }]),
      () =>
        limiter.checkAll([
          { policy: 'api', subject: 'other' },
          { policy: policy as string, subject: subject as string, ...options },
        ]),
    ]
    for (const call of calls) {
      const error: unknown = await call().then(
        (decision) => decision,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(RateLimitUsageError)
      expect(error).toMatchObject({ code, retryable: false })
    }
    for (const one of ['u', 'other']) expect((await limiter.peek('api', one)).remaining).toBe(10)
  })

  test('nothing asked, or one policy twice for one subject', async () => {
    await expect(limiter.checkAll([])).rejects.toMatchObject({ code: 'RATE_LIMIT_UNKNOWN_POLICY' })
    const twice = [1, 2].map(() => ({ policy: 'api', subject: 'u' }))
    await expect(limiter.checkAll(twice)).rejects.toMatchObject({ code: 'RATE_LIMIT_INVALID_COST' })
  })

  test.each(['0s', '367d', -1])('a block of %s', async (duration) => {
    await expect(limiter.block('u', duration)).rejects.toBeInstanceOf(Error)
    expect((await limiter.peek('api', 'u')).allowed).toBe(true)
  })

  test.each([-1, 1.5, Number.NaN])('settling with %s', async (cost) => {
    const decision = await limiter.check('slots', 'settled')
    await expect(decision.settle(cost)).rejects.toMatchObject({ code: 'RATE_LIMIT_INVALID_COST' })
    await decision.release()
  })
})

test('every code that a wrong call can have is in the table', () => {
  const codes: Readonly<Record<RateLimitUsageCode, true>> = {
    RATE_LIMIT_UNKNOWN_POLICY: true,
    RATE_LIMIT_UNKNOWN_TIER: true,
    RATE_LIMIT_INVALID_SUBJECT: true,
    RATE_LIMIT_INVALID_COST: true,
    RATE_LIMIT_COST_ABOVE_LIMIT: true,
    RATE_LIMIT_INVALID_DURATION: true,
  }
  expect(errorCodes.map(({ code }) => code).toSorted()).toEqual(Object.keys(codes).toSorted())
})

describe('a wrong limit never becomes a limiter', () => {
  const inputs = [
    '100/',
    '-1/1m',
    '5/0s',
    '0/1m',
    '/1m',
    '',
    '1e3/1m',
    '0x10/1m',
    '５/1m',
    '5/1m/1m',
    '5 / 1m',
    null,
    undefined,
    0,
    [],
    {},
  ]
  test.each(inputs.map((input) => [input]))('%j', (input) => {
    const make = (): unknown =>
      createRateLimiter({ backend: memoryBackend(), policies: { api: { limits: [input as string] } } })
    expect(make).toThrowError(ConfigError)
  })

  test.each([
    [{ tiers: { pro: { scale: Number.NaN } } }],
    [{ tiers: { pro: { scale: -1 } } }],
    [{ tiers: { pro: { limits: { nope: ['1/1m'] } } } }],
    [{ defaultTier: 'gone' }],
    [{ instances: 0 }],
    [{ onOutage: 'maybe' }],
    [{ policies: {} }],
    [{ policies: { api: { limits: ['5/1m'], onOutage: 'ignore' } } }],
    [{ policies: { api: { limits: ['5/1m'], escalate: { block: '0s' } } } }],
    [{ routes: { '/x': 'gone' } }],
  ])('%j', (options) => {
    const make = (): unknown => createRateLimiter({ backend: memoryBackend(), policies, ...(options as object) })
    expect(make).toThrowError(ConfigError)
  })
})
