import type { PolicyPlan } from './policy-plan.js'
import type { Charge } from './rate-limit-backend.js'
import { RateLimitUsageError } from './rate-limit-usage-error.js'
import type { Cost } from './rate-limiter.js'

/** A plan to be charged for a subject: what a check asks of a backend. */
export interface PlannedCheck {
  readonly plan: PolicyPlan
  readonly subject: string
  readonly cost: Cost
}

/** What the limits of a plan are to be charged. Slots are named by `nextLease`. @throws RateLimitUsageError for an impossible cost. */
export function chargesOf({ plan, subject, cost }: PlannedCheck, nextLease: () => string): Charge[] {
  if (typeof cost !== 'number') requireKnownUnits(cost, plan)
  return plan.limits.map((limit) => {
    const units = costOf(cost, limit.unit)
    if (units > limit.burst && limit.algorithm !== 'concurrency' && !limit.shadow)
      throw costAboveLimit(limit.name, units)
    return { subject, limit, cost: units, lease: limit.algorithm === 'concurrency' ? nextLease() : undefined }
  })
}

/** The cost for limits of `unit`. @throws RateLimitUsageError unless it is a whole number of at least `least`. */
export function costOf(cost: Cost, unit: string | undefined, least = 1): number {
  const units = typeof cost === 'number' ? cost : (ownNumber(cost, unit ?? 'requests') ?? 1)
  if (Number.isSafeInteger(units) && units >= least) return units
  throw new RateLimitUsageError(
    'RATE_LIMIT_INVALID_COST',
    `The cost of a check must be a whole number of at least ${least} (got ${String(units).slice(0, 32)}).`,
  )
}

function requireKnownUnits(costs: Readonly<Record<string, number>>, { policy, units }: PolicyPlan): void {
  for (const unit of Object.keys(costs ?? {})) {
    if (units.has(unit)) continue
    throw new RateLimitUsageError(
      'RATE_LIMIT_INVALID_COST',
      `The cost names "${unit.slice(0, 32)}", but policy "${policy}" counts only ${[...units].join(', ')}.`,
    )
  }
}

function ownNumber(costs: Readonly<Record<string, number>>, unit: string): number | undefined {
  return Object.hasOwn(costs, unit) ? costs[unit] : undefined
}

function costAboveLimit(name: string, cost: number): RateLimitUsageError {
  return new RateLimitUsageError(
    'RATE_LIMIT_COST_ABOVE_LIMIT',
    `A cost of ${cost} is more than limit "${name}" ever admits at once. Split the work, or raise the limit.`,
  )
}
