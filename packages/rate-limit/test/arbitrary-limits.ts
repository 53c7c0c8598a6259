import fc from 'fast-check'
import { compileLimits } from '../src/policy/compile-limit.js'
import type { Limit } from '../src/policy/limit.js'
import { type LimitInput, parseLimit } from '../src/policy/parse-limit.js'

/** Limits compiled as a policy would, for tests that speak with a backend. */
export function limitsOf(policy: string, ...inputs: readonly LimitInput[]): readonly Limit[] {
  const { limits, problems } = compileLimits(
    policy,
    inputs.map((input) => parseLimit(input)),
    { scale: 1, shadow: false },
  )
  if (problems.length > 0) throw new Error(problems.join('; '))
  return limits
}

/** One limit of any kind of quota: small enough to be reached, with windows from 7 ms to 45 days. */
export const anyLimit: fc.Arbitrary<LimitInput> = fc.record({
  limit: fc.integer({ min: 1, max: 9 }),
  per: fc.oneof(fc.integer({ min: 7, max: 5_000 }), fc.constantFrom('1m', '15m', '1d', '45d')),
  algorithm: fc.constantFrom('fixed' as const, 'sliding' as const, 'gcra' as const, 'strict' as const),
})

/** One limit of any kind, slots and calendars included: what Redis is compared with the reference by. */
export const anyRedisLimit: fc.Arbitrary<LimitInput> = fc.oneof(
  fc.record({
    limit: fc.integer({ min: 1, max: 12 }),
    per: fc.oneof(fc.integer({ min: 7, max: 4_000 }), fc.constantFrom('1m', '45d')),
    algorithm: fc.constantFrom('fixed' as const, 'sliding' as const, 'strict' as const, 'strict' as const),
    shadow: fc.boolean(),
  }),
  fc.record({
    limit: fc.integer({ min: 1, max: 12 }),
    per: fc.integer({ min: 7, max: 4_000 }),
    algorithm: fc.constant('gcra' as const),
    burst: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ concurrency: fc.integer({ min: 1, max: 4 }), lease: fc.integer({ min: 50, max: 3_000 }) }),
  fc.constantFrom('7/day fixed Europe/Berlin', '9/week fixed', '11/month fixed America/New_York'),
)
