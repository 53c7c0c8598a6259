import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '@plinth/config/units'
import type { Logger } from '@plinth/core'
import { describe, expect, test } from 'vitest'
import { createRateLimiter, memoryBackend, type RateLimitRules } from '../src/index.js'
import { FakeClock } from './fake-clock.js'

const rules = {
  policies: { api: { limits: ['10/1m'] } },
  tiers: { free: { limits: { api: ['2/1m'] } }, pro: { extends: 'free', scale: 10 } },
} as const

function recorded() {
  const warnings: string[] = []
  const logger: Logger = { debug() {}, info() {}, error() {}, warn: (_, message) => void warnings.push(message) }
  return { warnings, logger }
}

/** A promise that is settled from outside. */
function later<Value>() {
  let resolve: (value: Value) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

describe('a tier that is looked up', () => {
  test('is asked for once however many checks wait, and kept until it is old or forgotten', async () => {
    const clock = new FakeClock()
    let asked = 0
    let plan = 'free'
    const tierOf = async (): Promise<string> => {
      asked += 1
      await sleep(1)
      return plan
    }
    const limiter = createRateLimiter({
      backend: memoryBackend({ clock }),
      ...rules,
      tierOf,
      tierDeadline: '5s',
      clock,
    })
    const first = await Promise.all(Array.from({ length: 10 }, () => limiter.peek('api', 'u')))
    expect([asked, new Set(first.map(({ tier }) => tier))]).toEqual([1, new Set(['free'])])
    plan = 'pro'
    clock.advance(59_999)
    expect([(await limiter.peek('api', 'u')).tier, asked]).toEqual(['free', 1])
    clock.advance(1)
    expect((await limiter.peek('api', 'u')).tier).toBe('free') // the old answer serves while the new one is fetched
    await expect.poll(async () => (await limiter.peek('api', 'u')).tier).toBe('pro')
    expect(asked).toBe(2)
    plan = 'free'
    limiter.forgetTier('u')
    expect([(await limiter.peek('api', 'u')).tier, asked]).toEqual(['free', 3])
  })

  test('is not asked for when the check names one', async () => {
    const tierOf = (): never => {
      throw new Error('asked')
    }
    const limiter = createRateLimiter({ backend: memoryBackend(), ...rules, tierOf })
    expect((await limiter.check('api', 'u', { tier: 'pro' })).tier).toBe('pro')
  })

  test('that is not found out in time is the default one, and counts once it is there', async () => {
    const { warnings, logger } = recorded()
    const answer = later<string>()
    const options = { tierOf: () => answer.promise, tierDeadline: '1ms', defaultTier: 'free', logger } as const
    const limiter = createRateLimiter({ backend: memoryBackend(), ...rules, ...options })
    expect(await limiter.check('api', 'u')).toMatchObject({ tier: 'free', limit: 2 })
    expect(warnings).toHaveLength(1)
    answer.resolve('pro')
    await expect.poll(async () => (await limiter.peek('api', 'u')).tier).toBe('pro')
  })

  test.each([
    ['fails', () => Promise.reject(new Error('database away'))],
    [
      'throws',
      () => {
        throw new Error('database away')
      },
    ],
    ['names a tier that does not exist', () => 'platinum'],
    ['says nothing', () => undefined],
  ])(
    'is the default one when asking %s, told at most once',
    async (_, tierOf: () => Promise<string> | string | undefined) => {
      const { warnings, logger } = recorded()
      const limiter = createRateLimiter({ backend: memoryBackend(), ...rules, tierOf, defaultTier: 'free', logger })
      for (const subject of ['a', 'b', 'c']) {
        expect(await limiter.check('api', subject)).toMatchObject({ allowed: true, tier: 'free', limit: 2 })
      }
      expect(warnings.length).toBeLessThanOrEqual(1)
    },
  )

  test('may be told by something that has a then, and is no promise, as query builders are', async () => {
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about
    const query = { then: (...order: Parameters<Promise<string>['then']>) => Promise.resolve('pro').then(...order) }
    const tierOf = (): PromiseLike<string> => query as PromiseLike<string>
    const limiter = createRateLimiter({ backend: memoryBackend(), ...rules, tierOf, defaultTier: 'free' })
    expect((await limiter.check('api', 'u')).tier).toBe('pro')
  })

  test('never opens a limit: without a default the policy’s own holds', async () => {
    const tierOf = () => Promise.reject(new Error('database away'))
    const limiter = createRateLimiter({ backend: memoryBackend(), ...rules, tierOf })
    expect(await limiter.check('api', 'u')).toMatchObject({ tier: undefined, limit: 10 })
  })
})

describe('rules that are loaded', () => {
  const backend = () => memoryBackend({ clock: new FakeClock() })

  test('take over as a whole, in the background, and keep what was used', async () => {
    const clock = new FakeClock()
    let stored: RateLimitRules = { policies: { api: { limits: ['10/1m'] } } }
    let loads = 0
    const loadRules = async (): Promise<RateLimitRules> => {
      loads += 1
      return stored
    }
    const limiter = createRateLimiter<string, string>({
      backend: backend(),
      ...rules,
      loadRules,
      rulesFreshFor: '30s',
      clock,
    })
    await limiter.check('api', 'u', { cost: 4 })
    await expect.poll(() => loads).toBe(1)
    stored = { policies: { api: { limits: ['6/1m'] }, fresh: { limits: ['1/1m'] } } }
    clock.advance(29_999)
    await limiter.peek('api', 'u')
    expect(loads).toBe(1)
    clock.advance(1)
    await limiter.peek('api', 'u')
    await expect.poll(async () => (await limiter.peek('api', 'u')).limit).toBe(6)
    expect((await limiter.peek('api', 'u')).remaining).toBe(2)
    expect((await limiter.check('fresh', 'u')).allowed).toBe(true)
    expect(loads).toBe(2)
  })

  test.each([
    ['cannot be loaded', () => Promise.reject(new Error('database away'))],
    ['are wrong in one place', async () => ({ policies: { api: { limits: ['99/1m'] }, login: { limits: ['5/'] } } })],
    ['are no rules', async () => ({}) as RateLimitRules],
  ])(
    'and %s change nothing, are told once, and the checks go on',
    async (_, loadRules: () => Promise<RateLimitRules>) => {
      const { warnings, logger } = recorded()
      const limiter = createRateLimiter<string, string>({
        backend: backend(),
        ...rules,
        loadRules,
        rulesFreshFor: '1ms',
        logger,
      })
      for (let i = 0; i < 3; i += 1) await expect(limiter.refresh()).rejects.toThrow()
      expect(await limiter.check('api', 'u')).toMatchObject({ allowed: true, limit: 10 })
      expect(warnings).toHaveLength(1)
    },
  )

  test('and lack a tier that somebody was found in find him another, and no check fails', async () => {
    const { warnings, logger } = recorded()
    const limiter = createRateLimiter<string, string>({
      backend: backend(),
      ...rules,
      tierOf: () => 'pro',
      defaultTier: 'free',
      logger,
    })
    expect(await limiter.check('api', 'u')).toMatchObject({ tier: 'pro', limit: 20 })
    limiter.reload({ policies: rules.policies, tiers: { free: rules.tiers.free } })
    expect(await limiter.check('api', 'u')).toMatchObject({ tier: 'free', limit: 2 })
    expect(warnings).toHaveLength(1)
  })

  test('and lack the default tier are refused as a whole', async () => {
    const limiter = createRateLimiter<string, string>({ backend: backend(), ...rules, defaultTier: 'free' })
    expect(() => limiter.reload({ policies: rules.policies, tiers: { pro: {} } })).toThrowError(/defaultTier/)
    expect((await limiter.check('api', 'u')).limit).toBe(2)
  })

  test('and wrong ones that are handed over list every fault', () => {
    const limiter = createRateLimiter<string, string>({ backend: backend(), ...rules })
    try {
      limiter.reload({ policies: { api: { limits: ['5/', '-1/1m', '5/0s'] } }, tiers: { pro: { extends: 'gone' } } })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      expect((error as ConfigError).faults.length).toBeGreaterThanOrEqual(4)
    }
  })
})
