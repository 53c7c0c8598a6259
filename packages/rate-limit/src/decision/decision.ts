import type { LimitAlgorithm } from '../policy/limit.js'

/**
 * How a decision came about.
 *
 * - `admitted`: every limit admits, and all were charged
 * - `limited`: a limit refuses
 * - `blocked`: the subject is blocked, by hand or by escalation
 * - `unavailable`: the backend is away and the policy is `closed`
 */
export type DecisionOutcome = 'admitted' | 'limited' | 'blocked' | 'unavailable'

/** Why a decision was not made by the backend. */
export type DegradedReason = 'deadline' | 'unavailable' | 'misconfigured'

/** What a limiter decided. Plain to read, and able to be corrected while the work it admitted is under way. */
export interface Decision {
  readonly allowed: boolean
  readonly outcome: DecisionOutcome
  /** Whether a limiter decided at all: `false` when rate limiting is disabled. */
  readonly enforced: boolean
  /** The quota of the limit that is nearest to its end (when denied: of the one with the longest wait). `Infinity` if none. */
  readonly limit: number
  /** What is left of it, never below 0. */
  readonly remaining: number
  /** Milliseconds until the same call is admitted, if nothing else is charged; 0 when allowed. */
  readonly retryAfterMs: number
  /** Milliseconds until all of that limit is available again, if nothing else is charged. */
  readonly resetAfterMs: number
  /** Whether it was decided without the backend. */
  readonly degraded: boolean
  /** Why, when it is degraded. */
  readonly degradedReason: DegradedReason | undefined
  /** The names of the limits that refused. */
  readonly violated: readonly string[]
  /** Every limit, in the order of the policy. */
  readonly limits: readonly LimitStatus[]
  /** The tier whose limits applied; `undefined` for the policy's own. */
  readonly tier: string | undefined

  /** Gives back all that was charged, slots included. Once; later calls do nothing. */
  refund(): Promise<void>
  /**
   * Replaces the cost by what it turned out to be: the rest is given back, or charged even if the limit refuses it.
   *
   * Repeatable. Slots stay taken.
   *
   * @throws RateLimitUsageError when the cost is not a whole number of at least 0.
   */
  settle(cost: number | Readonly<Record<string, number>>): Promise<void>
  /** Gives back the slots of `concurrency` limits; what else was charged stays. Once; later calls do nothing. */
  release(): Promise<void>
}

/** What a decision says, as plain data. */
export type DecisionView = Omit<Decision, 'refund' | 'settle' | 'release'>

/** What one limit said. */
export interface LimitStatus {
  readonly name: string
  readonly policy: string
  readonly algorithm: LimitAlgorithm
  readonly limit: number
  readonly windowMs: number
  readonly unit: string | undefined
  readonly remaining: number
  readonly retryAfterMs: number
  readonly resetAfterMs: number
  /** Whether it refused, or would have if it did not only watch. */
  readonly violated: boolean
  /** Whether it only watches. */
  readonly shadow: boolean
}
