import type { Limit } from '../policy/limit.js'
import type { PolicyPlan } from '../policy/policy-plan.js'
import type { Charge } from '../rate-limit-backend.js'
import { RateLimitUsageError } from '../rate-limit-usage-error.js'
import type { Cost } from '../rate-limiter.js'

/** A plan to be charged for a subject: what a check asks of a backend. */
export interface PlannedCheck {
  readonly plan: PolicyPlan
  readonly subject: string
  readonly cost: Cost
}

/** Checks that are decided together. */
export interface PlannedCall {
  readonly checks: readonly PlannedCheck[]
  /** The blocks and limits of all checks, one after the other. */
  readonly charges: readonly Charge[]
  readonly peek: boolean
}

/**
 * Makes one call of some checks.
 *
 * @throws RateLimitUsageError for an impossible cost.
 */
export function planCall(checks: readonly PlannedCheck[], how: PlanOptions): PlannedCall {
  const [first] = checks
  if (first !== undefined && checks.length === 1) return new SoleCheck(first.plan, first.subject, first.cost, how)
  const charges: Charge[] = []
  for (const check of checks) {
    for (const charge of chargesOf(check, how)) if (!isKnown(charges, charge)) charges.push(charge)
  }
  return { checks, charges, peek: how.peek }
}

/** A single check and its call, which most calls are: one object for both, and what is seldom asked for is not made. */
export class SoleCheck implements PlannedCheck, PlannedCall {
  readonly plan: PolicyPlan
  readonly subject: string
  readonly cost: Cost
  readonly charges: readonly Charge[]
  readonly peek: boolean

  constructor(plan: PolicyPlan, subject: string, cost: Cost, how: PlanOptions) {
    this.plan = plan
    this.subject = subject
    this.cost = cost
    this.charges = chargesOf(this, how)
    this.peek = how.peek
  }

  get checks(): readonly PlannedCheck[] {
    return [this]
  }
}

/** How checks become a call. */
export interface PlanOptions {
  readonly peek: boolean
  /** Leaves blocks out: nobody is blocked, and nobody will be by this call. */
  readonly withoutBlocks: boolean
  /** Names a slot. */
  readonly nextLease: () => string
}

/** A subject may stand in several checks: its block is asked about once. */
function isKnown(charges: readonly Charge[], { subject, limit }: Charge): boolean {
  return charges.some((charge) => charge.subject === subject && charge.limit === limit)
}

/** The blocks and limits of one check. On the path of every check: an array of the right length, and no closures. */
function chargesOf({ plan, subject, cost }: PlannedCheck, how: PlanOptions): readonly Charge[] {
  if (typeof cost !== 'number') requireKnownUnits(cost, plan)
  else if (plan.limits.length === 0) costOf(cost, undefined)
  const blocks = how.withoutBlocks && plan.escalation === undefined ? 0 : plan.blocks.length
  const charges = new Array<Charge>(blocks + plan.limits.length)
  for (let i = 0; i < charges.length; i += 1) {
    charges[i] =
      i < blocks
        ? { subject, limit: plan.blocks[i] as Limit, cost: 1, lease: undefined }
        : chargeOf(subject, plan.limits[i - blocks] as Limit, cost, how.nextLease)
  }
  return charges
}

function chargeOf(subject: string, limit: Limit, cost: Cost, nextLease: () => string): Charge {
  const units = costOf(cost, limit.unit)
  const isSlot = limit.algorithm === 'concurrency'
  if (units > limit.burst && !isSlot && !limit.shadow) throw costAboveLimit(limit.name, units)
  return { subject, limit, cost: units, lease: isSlot ? nextLease() : undefined }
}

/** Where in a call the charges of one check stand, a block that it shares with another one left out. */
export function indexesOf({ charges }: PlannedCall, { plan, subject }: PlannedCheck): readonly number[] {
  return charges.flatMap((charge, i) => {
    const isOwn = plan.limits.includes(charge.limit) || plan.blocks.includes(charge.limit)
    return isOwn && charge.subject === subject ? [i] : []
  })
}

/** The cost for limits of `unit`. @throws RateLimitUsageError unless it is a whole number of at least `least`. */
export function costOf(cost: Cost, unit: string | undefined, least = 1): number {
  const stated = typeof cost === 'number' ? cost : ownNumber(cost, unit ?? 'requests')
  const units = stated === undefined ? 1 : stated
  if (Number.isSafeInteger(units) && units >= least) return units
  throw invalidCost(units, least)
}

function invalidCost(cost: unknown, least: number): RateLimitUsageError {
  return new RateLimitUsageError(
    'RATE_LIMIT_INVALID_COST',
    `The cost of a check must be a whole number of at least ${least} (got ${String(cost).slice(0, 32)}).`,
  )
}

function requireKnownUnits(costs: Readonly<Record<string, number>>, { policy, units }: PolicyPlan): void {
  if (typeof costs !== 'object' || costs === null) throw invalidCost(costs, 1)
  for (const unit of Object.keys(costs)) {
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
