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
