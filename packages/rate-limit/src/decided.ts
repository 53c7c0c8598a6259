import { costOf } from './check-plan.js'
import type { Decision, DecisionOutcome, DegradedReason, LimitStatus } from './decision.js'
import type { LimitAlgorithm } from './limit.js'
import type { Charge, Correction, Outcome, Verdict } from './rate-limit-backend.js'
import type { Cost } from './rate-limiter.js'

/** What a decision needs to correct itself. */
export interface Ledger {
  /** Carries corrections out; never rejects for an outage. */
  correct(corrections: readonly Correction[]): Promise<void>
  /** Keeps slots renewed until they are let go. */
  hold(slots: readonly Correction[]): void
  letGo(slots: readonly Correction[]): void
}

/** What is known of a decision when it is made. */
export interface DecidedFacts {
  readonly verdict: Verdict
  readonly charges: readonly Charge[]
  readonly tier: string | undefined
  readonly degradedReason: DegradedReason | undefined
  /** Absent when nothing was charged. */
  readonly ledger: Ledger | undefined
}

/** A decision that a backend made. */
export class Decided implements Decision {
  readonly allowed: boolean
  readonly outcome: DecisionOutcome
  readonly enforced: boolean = true
  readonly limit: number
  readonly remaining: number
  readonly retryAfterMs: number
  readonly resetAfterMs: number
  readonly degraded: boolean
  readonly degradedReason: DegradedReason | undefined
  readonly tier: string | undefined
  readonly #facts: DecidedFacts
  #costs: number[] | undefined
  #slots: readonly Correction[] = []

  constructor(facts: DecidedFacts) {
    const { verdict, charges } = facts
    this.#facts = facts
    this.allowed = verdict.admitted
    this.tier = facts.tier
    this.degradedReason = facts.degradedReason
    this.degraded = facts.degradedReason !== undefined
    const shown = tightest(charges, verdict)
    const outcome = verdict.outcomes[shown]
    const limit = charges[shown]?.limit
    this.outcome = verdict.admitted ? 'admitted' : limit?.algorithm === 'block' ? 'blocked' : 'limited'
    this.limit = limit === undefined ? Number.POSITIVE_INFINITY : limit.algorithm === 'block' ? 0 : limit.quota
    this.remaining = outcome?.remaining ?? Number.POSITIVE_INFINITY
    this.retryAfterMs = verdict.admitted ? 0 : (outcome?.retryAfterMs ?? 0)
    this.resetAfterMs = outcome?.resetAfterMs ?? 0
    if (facts.ledger === undefined || !charges.some((charge) => charge.lease !== undefined)) return
    this.#slots = this.#corrections((charge) => (charge.lease === undefined ? 0 : -1))
    if (this.#slots.length > 0) facts.ledger.hold(this.#slots)
  }

  get violated(): readonly string[] {
    const { charges, verdict } = this.#facts
    const names = charges.filter(({ limit }, i) => !limit.shadow && verdict.outcomes[i]?.admits === false)
    return [...new Set(names.map(({ limit }) => limit.name))]
  }

  get limits(): readonly LimitStatus[] {
    const { charges, verdict } = this.#facts
    return charges.flatMap((charge, i) => statusOf(charge, verdict.outcomes[i]))
  }

  async refund(): Promise<void> {
    const { ledger } = this.#facts
    if (ledger === undefined || this.#costs?.length === 0) return
    const quotas = this.#corrections((charge, i) =>
      charge.lease === undefined ? -(this.#costs?.[i] ?? charge.cost) : 0,
    )
    this.#costs = []
    await ledger.correct([...quotas, ...this.#letGo()])
  }

  async settle(cost: Cost): Promise<void> {
    const { ledger, charges } = this.#facts
    const costs = charges.map((charge) => costOf(cost, charge.limit.unit, 0))
    if (ledger === undefined || this.#costs?.length === 0) return
    const corrections = this.#corrections((charge, i) =>
      charge.lease === undefined ? (costs[i] ?? 0) - (this.#costs?.[i] ?? charge.cost) : 0,
    )
    this.#costs = costs
    await ledger.correct(corrections)
  }

  async release(): Promise<void> {
    const slots = this.#letGo()
    if (slots.length > 0) await this.#facts.ledger?.correct(slots)
  }

  /** The slots still held, for the last time. */
  #letGo(): readonly Correction[] {
    const slots = this.#slots
    if (slots.length > 0) this.#facts.ledger?.letGo(slots)
    this.#slots = []
    return slots
  }

  /** Corrections of what was charged, without those that change nothing. */
  #corrections(by: (charge: Charge, index: number) => number): readonly Correction[] {
    const { charges, verdict } = this.#facts
    if (!verdict.admitted) return []
    return charges.flatMap((charge, i) => {
      const outcome = verdict.outcomes[i]
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

function statusOf({ limit }: Charge, outcome: Outcome | undefined): readonly LimitStatus[] {
  if (outcome === undefined || limit.algorithm === 'block') return []
  const { name, key, quota, windowMs, unit, shadow } = limit
  const { remaining, retryAfterMs, resetAfterMs, admits } = outcome
  const algorithm: LimitAlgorithm = limit.algorithm
  const policy = key.slice(0, key.indexOf(':'))
  return [
    {
      name,
      policy,
      algorithm,
      limit: quota,
      windowMs,
      unit,
      remaining,
      retryAfterMs,
      resetAfterMs,
      violated: !admits,
      shadow,
    },
  ]
}
