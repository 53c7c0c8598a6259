import fc from 'fast-check'
import type { Limit } from '../../src/policy/limit.js'
import type { LimitInput } from '../../src/policy/parse-limit.js'
import type { Outcome } from '../../src/rate-limit-backend.js'
import { limitsOf } from '../arbitrary-limits.js'
import type { World, WorldKind } from './worlds.js'

/** Algorithms that count quotas. */
export type QuotaAlgorithm = 'fixed' | 'sliding' | 'gcra' | 'strict'

/** So many tries of a cost at the same moment, after a wait that is a share of the window. */
export interface Step {
  readonly wait: number
  readonly tries: number
  readonly cost: number
}

const EVERY: readonly QuotaAlgorithm[] = ['fixed', 'sliding', 'gcra', 'strict']

/** What a kind of backend keeps. */
export function algorithmsOf({ name }: WorldKind): readonly QuotaAlgorithm[] {
  return name === 'memcached' ? EVERY.filter((one) => one !== 'gcra') : EVERY
}

/** What a server may take that shares its machine with many: no property is about that. */
export const PATIENT_MS = 30_000

/** How often a property is tried, `share` of the usual: real servers cost a round trip for each step, so they do not shrink. */
export function effort({ name }: WorldKind, share = 1): { readonly numRuns: number; readonly endOnFailure: boolean } {
  const runs = (process.env.PLINTH_LONG === '1' ? 20 : 1) * (name === 'memory' ? 200 : 25)
  return { numRuns: Math.ceil(runs * share), endOnFailure: name !== 'memory' }
}

/**
 * A limit that can be reached, with a window from 7 ms to 45 days.
 *
 * Memcached ends keys by its own clock, which nobody can turn, and a charge by the real one when it takes longer than a tenth
 * of its window: there a window is longer than any test, and a tenth of it longer than any call.
 */
export function anyLimitOn(
  kind: WorldKind,
  algorithms: readonly QuotaAlgorithm[] = algorithmsOf(kind),
): fc.Arbitrary<Limit> {
  return fc
    .record({
      algorithm: fc.constantFrom(...algorithms),
      limit: fc.integer({ min: 1, max: 12 }),
      burst: fc.integer({ min: 1, max: 12 }),
      per: fc.oneof(
        kind.name === 'memcached' ? fc.integer({ min: 400_000, max: 900_000 }) : fc.integer({ min: 7, max: 5_000 }),
        fc.constantFrom('1m', '1d', '45d'),
      ),
    })
    .map(({ burst, ...quota }) => onlyLimit(quota.algorithm === 'gcra' ? { ...quota, burst } : quota))
}

/** What happens to a limit: nothing for a while, or a few tries at once. */
export const anySteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    wait: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 0.15, noNaN: true }),
      fc.double({ min: 0, max: 1.3, noNaN: true }),
    ),
    tries: fc.integer({ min: 1, max: 5 }),
    cost: fc.integer({ min: 1, max: 4 }),
  }),
  { minLength: 4, maxLength: 30 },
)

export function onlyLimit(input: LimitInput): Limit {
  const [limit] = limitsOf('p', input)
  if (limit === undefined) throw new TypeError('one input makes one limit')
  return limit
}

/** What one limit says to one try. */
export async function ask(
  { backend }: World,
  limit: Limit,
  {
    cost = 1,
    peek = false,
    subject = 's',
  }: { readonly cost?: number; readonly peek?: boolean; readonly subject?: string } = {},
): Promise<Outcome> {
  const charge = { subject, limit, cost: Math.min(cost, limit.burst), lease: undefined }
  const { outcomes } = await backend.decide([charge], { deadlineMs: PATIENT_MS, peek })
  const [outcome] = outcomes
  if (outcome === undefined) throw new TypeError('every charge has an outcome')
  return outcome
}

/** Lives through steps, and answers what was admitted, in order. */
export async function live(
  world: World,
  limit: Limit,
  steps: readonly Step[],
): Promise<readonly { readonly at: number; readonly cost: number }[]> {
  const admitted: { at: number; cost: number }[] = []
  for (const { wait, tries, cost } of steps) {
    world.clock.advance(Math.round(wait * limit.windowMs))
    const outcomes = await Promise.all(Array.from({ length: tries }, () => ask(world, limit, { cost })))
    for (const { admits } of outcomes) {
      if (admits) admitted.push({ at: world.clock.now(), cost: Math.min(cost, limit.burst) })
    }
  }
  return admitted
}
