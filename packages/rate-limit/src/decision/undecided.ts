import type { Decision, DecisionOutcome, DegradedReason, LimitStatus } from './decision.js'

/** A decision that no backend made: rate limiting is disabled, or the backend is away and nothing is counted. */
export class Undecided implements Decision {
  readonly allowed: boolean
  readonly outcome: DecisionOutcome
  readonly enforced: boolean
  readonly limit: number = Number.POSITIVE_INFINITY
  readonly remaining: number
  readonly retryAfterMs: number
  readonly resetAfterMs: number = 0
  readonly degraded: boolean
  readonly degradedReason: DegradedReason | undefined
  readonly violated: readonly string[] = []
  readonly limits: readonly LimitStatus[] = []
  readonly tier: string | undefined

  constructor(facts: {
    readonly outcome: 'admitted' | 'unavailable'
    readonly enforced: boolean
    readonly degradedReason?: DegradedReason
    readonly tier?: string | undefined
    readonly retryAfterMs?: number
  }) {
    this.allowed = facts.outcome === 'admitted'
    this.outcome = facts.outcome
    this.enforced = facts.enforced
    this.remaining = this.allowed ? Number.POSITIVE_INFINITY : 0
    this.retryAfterMs = facts.retryAfterMs ?? 0
    this.degradedReason = facts.degradedReason
    this.degraded = facts.degradedReason !== undefined
    this.tier = facts.tier
  }

  async refund(): Promise<void> {}

  async settle(): Promise<void> {}

  async release(): Promise<void> {}
}
