import type { Clock } from '@plinth/core'
import type { PolicyPlan } from '../policy/policy-plan.js'
import type { Charge, Outcome, Verdict } from '../rate-limit-backend.js'
import { costOf, indexesOf, type PlannedCall, type PlannedCheck } from './check-plan.js'

/** A refusal that still stands. */
export interface RememberedDenial {
  readonly verdict: Verdict
  readonly call: PlannedCall
  /** Milliseconds since the verdict. */
  readonly ageMs: number
}

interface Denial {
  readonly verdict: Verdict
  readonly call: PlannedCall
  readonly since: number
  readonly until: number
  /** What the limit that refuses longest counts, and the cost that it refused. */
  readonly unit: string | undefined
  readonly cost: number
}

/**
 * Remembers refusals, so that a flood is answered without asking the backend.
 *
 * Exact: a limit that refuses a cost until a certain time refuses every cost as large until then, whatever others charge.
 * Only giving back changes that: what this process gives back it forgets here, and for what others do a refusal is
 * remembered for a second at most. Never remembered: slots, which are given back all the time.
 */
export class DenyCache {
  readonly #clock: Clock
  readonly #denials = new Map<PolicyPlan, Map<string, Denial>>()
  #size = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  find({ plan, subject, cost }: PlannedCheck): RememberedDenial | undefined {
    const denial = this.#denials.get(plan)?.get(subject)
    if (denial === undefined) return undefined
    const now = this.#clock.elapsed()
    if (now >= denial.until) {
      this.#delete(plan, subject)
      return undefined
    }
    if (costOf(cost, denial.unit) < denial.cost) return undefined
    return { verdict: denial.verdict, call: denial.call, ageMs: now - denial.since }
  }

  /** Remembers for each check of a call what its refusal says about it. */
  keep(call: PlannedCall, verdict: Verdict): void {
    for (const check of call.checks) this.#keepFor(check, call, verdict)
  }

  /** Forgets a subject: something was given back to it. */
  forget(subject: string): void {
    for (const plan of this.#denials.keys()) this.#delete(plan, subject)
  }

  clear(): void {
    this.#denials.clear()
    this.#size = 0
  }

  #keepFor(check: PlannedCheck, call: PlannedCall, verdict: Verdict): void {
    const refused = indexesOf(call, check).filter((i) => isFirmRefusal(call.charges[i], verdict.outcomes[i]))
    const waits = refused.map((i) => verdict.outcomes[i]?.retryAfterMs ?? 0)
    const longest = Math.max(...waits)
    const charge = call.charges[refused[waits.indexOf(longest)] ?? -1]
    if (charge === undefined) return
    const since = this.#clock.elapsed()
    const until = since + Math.min(longest, verdict.firm ? LONGEST_MS : LONGEST_UNFIRM_MS)
    const { unit } = charge.limit
    this.#set(check.plan, check.subject, { verdict, call, since, until, unit, cost: charge.cost })
  }

  #set(plan: PolicyPlan, subject: string, denial: Denial): void {
    if (this.#size >= MOST_DENIALS) this.clear() // costs one question for each that is still denied
    const ofPlan = this.#denials.get(plan) ?? new Map<string, Denial>()
    if (ofPlan.size === 0) this.#denials.set(plan, ofPlan)
    if (!ofPlan.has(subject)) this.#size += 1
    ofPlan.set(subject, denial)
  }

  #delete(plan: PolicyPlan, subject: string): void {
    if (this.#denials.get(plan)?.delete(subject)) this.#size -= 1
  }
}

const MOST_DENIALS = 10_000
const LONGEST_MS = 1000
const LONGEST_UNFIRM_MS = 50

/** Whether a charge was refused by what is not given back at any moment. */
function isFirmRefusal(charge: Charge | undefined, outcome: Outcome | undefined): boolean {
  if (charge === undefined || outcome === undefined || outcome.admits) return false
  return !charge.limit.shadow && charge.limit.algorithm !== 'concurrency'
}
