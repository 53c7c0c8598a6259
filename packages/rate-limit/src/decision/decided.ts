import { inspect } from 'node:util'
import type { Limit, LimitAlgorithm } from '../policy/limit.js'
import type { Charge, Correction, Outcome, Verdict } from '../rate-limit-backend.js'
import type { Cost } from '../rate-limiter.js'
import { costOf, type PlannedCall } from './check-plan.js'
import type { Decision, DecisionOutcome, DecisionView, DegradedReason, LimitStatus } from './decision.js'
import type { Ledger } from './ledger.js'

/** Who decided, and when. */
export interface DecidedBy {
  /** Carries out what is corrected later. */
  readonly ledger: Ledger
  readonly degradedReason: DegradedReason | undefined
  /** How old the verdict is, in milliseconds: 0 unless it is remembered. */
  readonly ageMs: number
}

/**
 * A decision that a backend made.
 *
 * Most callers read little of it, so all but `allowed` is worked out when it is asked for.
 */
export class Decided implements Decision {
  static {
    // isolated declarations know no computed names
    Object.defineProperty(Decided.prototype, inspect.custom, { value: Decided.prototype.toJSON })
  }

  readonly allowed: boolean
  readonly #call: PlannedCall
  readonly #verdict: Verdict
  readonly #by: DecidedBy
  /** What was charged in the end, by charge; empty once all was given back. */
  #costs: readonly number[] | undefined
  #slots: readonly Correction[] | undefined
  #limits: readonly LimitStatus[] | undefined

  constructor(call: PlannedCall, verdict: Verdict, by: DecidedBy) {
    this.allowed = verdict.admitted
    this.#call = call
    this.#verdict = verdict
    this.#by = by
    if (holdsSlots(call.charges)) this.#holdSlots()
  }

  get outcome(): DecisionOutcome {
    if (this.allowed) return 'admitted'
    return this.#shown?.charge.limit.algorithm === 'block' ? 'blocked' : 'limited'
  }

  get enforced(): boolean {
    return true
  }

  get limit(): number {
    const limit = this.#shown?.charge.limit
    if (limit === undefined) return Number.POSITIVE_INFINITY
    return limit.algorithm === 'block' ? 0 : limit.quota
  }

  get remaining(): number {
    return this.#shown?.outcome.remaining ?? Number.POSITIVE_INFINITY
  }

  get retryAfterMs(): number {
    return this.allowed ? 0 : rest(this.#shown?.outcome.retryAfterMs, this.#by.ageMs)
  }

  get resetAfterMs(): number {
    return rest(this.#shown?.outcome.resetAfterMs, this.#by.ageMs)
  }

  get degraded(): boolean {
    return this.#by.degradedReason !== undefined
  }

  get degradedReason(): DegradedReason | undefined {
    return this.#by.degradedReason
  }

  get tier(): string | undefined {
    return this.#call.checks[0]?.plan.tier
  }

  get violated(): readonly string[] {
    const { outcomes } = this.#verdict
    const names = this.#call.charges.filter(({ limit }, i) => !limit.shadow && outcomes[i]?.admits === false)
    return [...new Set(names.map(({ limit }) => limit.name))]
  }

  get limits(): readonly LimitStatus[] {
    this.#limits ??= this.#statuses()
    return this.#limits
  }

  async refund(): Promise<void> {
    if (this.#costs?.length === 0) return
    const quotas = this.#corrections((charge, i) =>
      charge.lease === undefined ? -(this.#costs?.[i] ?? charge.cost) : 0,
    )
    this.#costs = []
    await this.#by.ledger.correct([...quotas, ...this.#letGo()])
  }

  async settle(cost: Cost): Promise<void> {
    const costs = this.#call.charges.map((charge) => costOf(cost, charge.limit.unit, 0))
    if (this.#costs?.length === 0) return
    const corrections = this.#corrections((charge, i) =>
      charge.lease === undefined ? (costs[i] ?? 0) - (this.#costs?.[i] ?? charge.cost) : 0,
    )
    this.#costs = costs
    await this.#by.ledger.correct(corrections)
  }

  async release(): Promise<void> {
    const slots = this.#letGo()
    if (slots.length > 0) await this.#by.ledger.correct(slots)
  }

  /** What `JSON.stringify` and `console.log` show. */
  toJSON(): DecisionView {
    const { allowed, outcome, enforced, limit, remaining, retryAfterMs, resetAfterMs } = this
    const { degraded, degradedReason, violated, limits, tier } = this
    const wait = { limit, remaining, retryAfterMs, resetAfterMs }
    return { allowed, outcome, enforced, ...wait, degraded, degradedReason, violated, limits, tier }
  }

  /** The charge that a caller is told about first, if there is any. */
  get #shown(): { readonly charge: Charge; readonly outcome: Outcome } | undefined {
    const index = tightest(this.#call.charges, this.#verdict)
    const [charge, outcome] = [this.#call.charges[index], this.#verdict.outcomes[index]]
    return charge === undefined || outcome === undefined ? undefined : { charge, outcome }
  }

  #statuses(): readonly LimitStatus[] {
    const { outcomes } = this.#verdict
    const { charges } = this.#call
    const statuses: LimitStatus[] = []
    for (let i = 0; i < charges.length; i += 1) {
      const [charge, outcome] = [charges[i], outcomes[i]]
      if (charge === undefined || outcome === undefined || charge.limit.algorithm === 'block') continue
      statuses.push(statusOf(charge.limit, charge.limit.algorithm, outcome, this.#by.ageMs))
    }
    return statuses
  }

  #holdSlots(): void {
    this.#slots = this.#corrections((charge) => (charge.lease === undefined ? 0 : -1))
    if (this.#slots.length > 0) this.#by.ledger.hold(this.#slots)
  }

  /** The slots still held, for the last time. */
  #letGo(): readonly Correction[] {
    const slots = this.#slots ?? []
    if (slots.length > 0) this.#by.ledger.letGo(slots)
    this.#slots = undefined
    return slots
  }

  /** Corrections of what was charged, without those that change nothing. */
  #corrections(by: (charge: Charge, index: number) => number): readonly Correction[] {
    const { admitted, outcomes } = this.#verdict
    if (!admitted || this.#call.peek) return []
    return this.#call.charges.flatMap((charge, i) => {
      const outcome = outcomes[i]
      if (outcome?.admits !== true || charge.limit.algorithm === 'block') return []
      const units = by(charge, i)
      const { subject, limit, lease } = charge
      return units === 0 ? [] : [{ subject, limit, lease, by: units, at: outcome.at }]
    })
  }
}

/** Which charge to show: the refusal with the longest wait, else what has least left of those that count requests. */
function tightest(charges: readonly Charge[], { admitted, outcomes }: Verdict): number {
  let shown = -1
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < charges.length; i += 1) {
    const limit = charges[i]?.limit
    const outcome = outcomes[i]
    if (limit === undefined || outcome === undefined || limit.shadow) continue
    if (admitted ? limit.algorithm === 'block' : outcome.admits) continue
    const rank = admitted ? outcome.remaining + (limit.unit === undefined ? 0 : COUNTS_OTHERS) : -outcome.retryAfterMs
    if (shown < 0 || rank < best) [shown, best] = [i, rank]
  }
  return shown
}

const COUNTS_OTHERS = 2 ** 53

function holdsSlots(charges: readonly Charge[]): boolean {
  for (let i = 0; i < charges.length; i += 1) if (charges[i]?.lease !== undefined) return true
  return false
}

/** What is left of a wait, in whole milliseconds. */
function rest(milliseconds: number | undefined, ageMs: number): number {
  if (milliseconds === undefined || ageMs === 0) return milliseconds ?? 0
  return Math.max(0, Math.ceil(milliseconds - ageMs))
}

function statusOf(limit: Limit, algorithm: LimitAlgorithm, outcome: Outcome, ageMs: number): LimitStatus {
  const { name, key, quota, windowMs, unit, shadow } = limit
  return {
    name,
    policy: key.slice(0, key.indexOf(':')),
    algorithm,
    limit: quota,
    windowMs,
    unit,
    remaining: outcome.remaining,
    retryAfterMs: rest(outcome.retryAfterMs, ageMs),
    resetAfterMs: rest(outcome.resetAfterMs, ageMs),
    violated: !outcome.admits,
    shadow,
  }
}
