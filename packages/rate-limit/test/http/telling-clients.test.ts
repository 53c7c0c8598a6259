import { describe, expect, test } from 'vitest'
import type { Decision, LimitStatus } from '../../src/decision/decision.js'
import { RequestLimiter, rateLimitHeaders, rateLimitProblem, retryAfterSeconds } from '../../src/http/index.js'
import { createRateLimiter, memoryBackend } from '../../src/index.js'
import { FakeClock } from '../fake-clock.js'

const facts = { method: 'GET', route: '/posts/:id', peer: '203.0.113.7' }

function limiterOf() {
  return createRateLimiter({
    backend: memoryBackend({ clock: new FakeClock() }),
    policies: {
      api: { limits: ['2/1m'] },
      quick: { limits: ['5/500ms'] },
      slots: { limits: ['concurrency 1'] },
      watched: { limits: ['1/1m', '9/1h shadow'] },
    },
    tiers: { pro: { scale: 10 } },
  })
}

describe('the headers of a limit', () => {
  test('follow the tier of each caller, however they take turns', async () => {
    const requests = new RequestLimiter(limiterOf())
    const policyFor = async (tier: string | undefined) => {
      const principal = { id: tier ?? 'anybody', tier }
      const answer = await requests.limit({ ...facts, principal }, { policy: 'api' })
      return answer.headers['RateLimit-Policy']
    }
    expect([await policyFor(undefined), await policyFor('pro'), await policyFor(undefined)]).toEqual([
      '"api";q=2;w=60',
      '"api";q=20;w=60',
      '"api";q=2;w=60',
    ])
  })

  test('say nothing of a window below a second, call slots what they are, and keep quiet about limits that watch', async () => {
    const requests = new RequestLimiter(limiterOf())
    const told = async (policy: string) => (await requests.limit(facts, { policy })).headers['RateLimit-Policy']
    expect(await told('quick')).toBe('"quick";q=5')
    expect(await told('slots')).toBe('"slots";q=1;qu="concurrent-requests"')
    expect(await told('watched')).not.toContain('3600')
  })

  test('are those that were asked for', async () => {
    const headers = async (options: { readonly standard?: boolean; readonly legacy?: boolean }) => {
      const answer = await new RequestLimiter(limiterOf(), { headers: options }).limit(facts, { policy: 'api' })
      return Object.keys(answer.headers)
    }
    expect(await headers({ standard: false })).toEqual([])
    expect(await headers({ standard: false, legacy: true })).toEqual([
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
    ])
    expect(await headers({ legacy: true })).toHaveLength(5)
  })

  test('a refusal tells when to come back also where no other header is sent', async () => {
    const requests = new RequestLimiter(limiterOf(), { headers: { standard: false } })
    for (let time = 0; time < 2; time += 1) await requests.limit(facts, { policy: 'api' })
    const refused = await requests.limit(facts, { policy: 'api' })
    expect(refused).toMatchObject({ allowed: false, status: 429 })
    expect(refused.headers['Retry-After']).toBe('90')
  })

  test('for a slot that is taken, a second is worth waiting', async () => {
    const requests = new RequestLimiter(limiterOf())
    const held = await requests.limit(facts, { policy: 'slots' })
    expect(held).toMatchObject({ allowed: true, holdsSlots: true })
    const refused = await requests.limit(facts, { policy: 'slots' })
    expect(refused.headers['Retry-After']).toBe('1')
    await held.decision?.release()
    const again = await requests.limit(facts, { policy: 'slots' })
    expect(again.allowed).toBe(true)
    await again.decision?.release()
  })
})

describe('a mistake in the code', () => {
  test.each(['', 'unknown'])('such as the policy %j is never taken for no limit', (policy) => {
    const requests = new RequestLimiter(limiterOf())
    expect(() => requests.limit(facts, { policy })).toThrow(/no rate limit policy/)
  })

  test('an empty list of policies limits nothing', async () => {
    const answer = await new RequestLimiter(limiterOf()).limit(facts, { policy: [] })
    expect(answer).toMatchObject({ allowed: true, decision: undefined })
  })
})

describe('the problem document', () => {
  const limit: LimitStatus = {
    name: 'api',
    policy: 'api',
    algorithm: 'fixed',
    limit: 2,
    windowMs: 60_000,
    unit: undefined,
    remaining: 0,
    retryAfterMs: 900,
    resetAfterMs: 900,
    violated: true,
    shadow: false,
  }
  const refused = (outcome: Decision['outcome'], retryAfterMs: number) =>
    ({ allowed: false, outcome, retryAfterMs, limits: [limit], violated: ['api'] }) as unknown as Decision

  test.each<[outcome: Decision['outcome'], status: number, type: string]>([
    ['limited', 429, 'quota-exceeded'],
    ['blocked', 429, 'abnormal-usage-detected'],
    ['unavailable', 503, 'temporary-reduced-capacity'],
  ])('of what is %s has status %i and its own type', (outcome, status, type) => {
    const problem = rateLimitProblem(refused(outcome, 900))
    expect([problem.status, problem.type.endsWith(`#${type}`)]).toEqual([status, true])
    expect(problem.detail).toContain('Try again in 1 second.')
    expect(problem['violated-policies']).toEqual(['api'])
  })

  test('does not invite to come back where waiting will not help', () => {
    const never = refused('limited', Number.POSITIVE_INFINITY)
    expect(rateLimitProblem(never).detail).toContain('Waiting will not help.')
    expect([retryAfterSeconds(never), rateLimitHeaders(never)['Retry-After']]).toEqual([undefined, undefined])
  })
})
