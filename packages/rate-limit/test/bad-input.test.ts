import { ConfigError } from '@plinth/config/units'
import { freshPrefix, leakCheck, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCodes } from '../src/error-codes.js'
import {
  createRateLimiter,
  memoryBackend,
  type RateLimiter,
  type RateLimitUsageCode,
  RateLimitUsageError,
} from '../src/index.js'
import { type OpenedBackend, openedBackend } from './opened-backend.js'

leakCheck()

const policies = { api: { limits: ['10/1m', 'tokens: 100/1m'] }, slots: { limits: ['concurrency 2'] } }
const rules = { policies, tiers: { pro: { scale: 2 }, internal: 'unlimited' } } as const

const backends: Readonly<Record<string, () => Promise<OpenedBackend>>> = {
  memory: async () => ({ backend: memoryBackend(), close: async () => {} }),
  redis: async () => openedBackend('redis', await sharedRedis(), freshPrefix('bad')),
  'redis cluster': async () => openedBackend('cluster', await sharedRedisCluster(), freshPrefix('bad')),
  memcached: async () => openedBackend('memcached', await sharedMemcached(), freshPrefix('bad')),
}

describe.each(Object.keys(backends))(
  'on %s a wrong call is a typed error, charges nothing, and is never an accidental yes',
  (kind) => {
    let opened: OpenedBackend
    let limiter: RateLimiter<string, string>
    beforeAll(async () => {
      opened = (await backends[kind]?.()) as OpenedBackend
      // whatever is answered during an outage would be an accidental answer here
      limiter = createRateLimiter<string, string>({
        backend: opened.backend,
        ...rules,
        onOutage: 'closed',
        deadline: '30s',
      })
    })
    afterAll(async () => {
      await limiter.close()
      await opened.close()
    })

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
      ['a list as the subject', 'api', ['u'], {}, 'RATE_LIMIT_INVALID_SUBJECT'],
      ['null as the subject', 'api', null, {}, 'RATE_LIMIT_INVALID_SUBJECT'],
      ['bytes as the subject', 'api', Buffer.from('u'), {}, 'RATE_LIMIT_INVALID_SUBJECT'],
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
      ...[-5, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null].map(
        (tokens) =>
          [
            `a cost of ${String(tokens)} of a unit`,
            'api',
            'u',
            { cost: { tokens } },
            'RATE_LIMIT_INVALID_COST',
          ] as const,
      ),
      ['a list as the cost', 'api', 'u', { cost: [1] }, 'RATE_LIMIT_INVALID_COST'],
      ['a cost above the limit of all units', 'api', 'u', { cost: 11 }, 'RATE_LIMIT_COST_ABOVE_LIMIT'],
      ['a cost above the limit of the tier', 'api', 'u', { tier: 'pro', cost: 21 }, 'RATE_LIMIT_COST_ABOVE_LIMIT'],
      ['a cost above the limit of requests', 'api', 'u', { cost: { requests: 11 } }, 'RATE_LIMIT_COST_ABOVE_LIMIT'],
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

    test.each(['0s', '367d', -1, Number.NaN, '5', 'x', null])('a block of %s', async (duration) => {
      const blocked = limiter.block('u', duration as string)
      await expect(blocked).rejects.toMatchObject({
        code: expect.stringMatching(/^(RATE_LIMIT_INVALID_DURATION|CONFIG_INVALID)$/),
      })
      expect((await limiter.peek('api', 'u')).allowed).toBe(true)
    })

    test.each([undefined, 42, ''])('to reset, block or unblock %j', async (subject) => {
      const calls = [
        limiter.reset('api', subject as string),
        limiter.block(subject as string, '1m'),
        limiter.unblock(subject as string),
      ]
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'RATE_LIMIT_INVALID_SUBJECT' })
    })

    test.each([-1, 1.5, Number.NaN])('settling with %s', async (cost) => {
      const decision = await limiter.check('slots', 'settled')
      await expect(decision.settle(cost)).rejects.toMatchObject({ code: 'RATE_LIMIT_INVALID_COST' })
      await decision.release()
    })
  },
)

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

describe.each(Object.keys(backends))('on %s what is configured wrongly never becomes a limiter', (kind) => {
  let opened: OpenedBackend
  beforeAll(async () => {
    opened = (await backends[kind]?.()) as OpenedBackend
  })
  afterAll(() => opened.close())

  const inputs = [
    ...['100/', '-1/1m', '5/0s', '0/1m', '/1m', '5/', '', '1e3/1m', '0x10/1m', '５/1m', '5/1m/1m', '5 / 1m', '5/1mo'],
    ...[null, undefined, 0, [], {}, { limit: 5, per: '1m', algoritm: 'strict' }, { limit: Number.NaN, per: '1m' }],
  ]
  test.each(inputs.map((input) => [input]))('%j', (input) => {
    const make = (): unknown =>
      createRateLimiter({ backend: opened.backend, policies: { api: { limits: [input as string] } } })
    expect(make).toThrowError(ConfigError)
  })

  const api = { limits: ['5/1m'] }
  test.each([
    [{ tiers: { pro: { scale: Number.NaN } } }],
    [{ tiers: { pro: { scale: -1 } } }],
    [{ tiers: { pro: { scale: '2' } } }],
    [{ tiers: { pro: { limits: { nope: ['1/1m'] } } } }],
    [{ tiers: { pro: { limits: { api: '5/1m' } } } }],
    [{ tiers: { pro: { limits: { api: [] } } } }],
    [{ tiers: { pro: { limits: { api: null } } } }],
    [{ tiers: { pro: { limits: ['5/1m'] } } }],
    [{ tiers: { pro: { limit: { api: ['5/1m'] } } } }],
    [{ tiers: { pro: { api: ['5/1m'] } } }],
    [{ tiers: { pro: 'unlimitd' } }],
    [{ tiers: { pro: null } }],
    [{ tiers: ['pro'] }],
    [{ teirs: { pro: {} } }],
    [{ overrides: { 'user:1': 'unlimited' } }],
    [{ overrides: { 'user:1': { limits: { api: [] } } } }],
    [{ overrides: { 'user:1': { tiers: 'pro' } } }],
    [{ overrides: { 'user:1': null } }],
    [{ defaultTier: 'gone' }],
    [{ instances: 0 }],
    [{ onOutage: 'maybe' }],
    [{ onoutage: 'closed' }],
    [{ deadline: 0 }],
    [{ deadline: '-1s' }],
    [{ policies: {} }],
    [{ policies: null }],
    [{ policies: [api] }],
    [{ policies: { api: ['5/1m'] } }],
    [{ policies: { api: null } }],
    [{ policies: { api: { limits: '5/1m' } } }],
    [{ policies: { api: { limit: ['5/1m'] } } }],
    [{ policies: { api: { ...api, onOutage: 'ignore' } } }],
    [{ policies: { api: { ...api, onoutage: 'closed' } } }],
    [{ policies: { api: { ...api, shadow: 'false' } } }],
    [{ policies: { api: { ...api, tiered: 0 } } }],
    [{ policies: { api: { ...api, escalate: { block: '0s' } } } }],
    [{ policies: { api: { ...api, escalate: { block: '1m', faktor: 2 } } } }],
    [{ policies: { api: { ...api, escalate: null } } }],
    [{ routes: { '/x': 'gone' } }],
    [{ routes: { '/x': [] } }],
    [{ routes: { '/x': null } }],
    [{ routes: { x: 'api' } }],
  ])('%j', (options) => {
    const make = (): unknown => createRateLimiter({ backend: opened.backend, policies, ...(options as object) })
    expect(make).toThrowError(ConfigError)
  })
})
