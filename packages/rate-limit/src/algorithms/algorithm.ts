import type { Limit } from '../policy/limit.js'

/**
 * One way to count, as pure functions over a state: no clock, no I/O, nothing remembered.
 *
 * The memory backend runs these; the Redis script and the Memcached protocol are tested against them. Times are whole
 * microseconds since the epoch. A state that lies in the future (the clock was set back) is read as if it had been
 * written now, so that a step of the clock never locks anyone out for longer than the limit itself can.
 */
export interface Algorithm<State> {
  /** Says what charging `cost` (1 or more, whole) at `now` would mean. Changes nothing. */
  evaluate(state: State | undefined, limit: Limit, cost: number, now: number, lease?: string): Evaluation<State>

  /**
   * Charges (`by` > 0) or gives back (`by` < 0) without asking, for what was admitted at `at`.
   *
   * Never below nothing used, never beyond twice the quota, and never into a window other than the one of `at`.
   * Answers `undefined` when nothing is left worth keeping, and `state` itself when nothing changes.
   */
  adjust(state: State | undefined, limit: Limit, by: number, at: number, now: number, lease?: string): State | undefined

  /** How much of the quota is in use at `now`: what a store that forgets the state has to remember, below 2^32. */
  digest(state: State, limit: Limit, now: number): number

  /** A state at least as full as the one that a digest was made of. */
  restore(digest: number, limit: Limit, now: number): State | undefined

  /** When the state stops mattering. */
  expiresAt(state: State, limit: Limit): number
}

/** What one limit says about one charge. */
export interface Evaluation<State> {
  readonly admits: boolean
  /** Units that could be charged now. */
  readonly available: number
  /** Microseconds until the same charge is admitted, if nothing else is charged; 0 when admitted, `Infinity` for never. */
  readonly retryAfter: number
  /** Microseconds until the whole quota is available again, if this charge is not made. */
  readonly resetAfter: number
  /** The same, if it is made. */
  readonly resetAfterCharge: number
  /** The state once charged, meaningful only when `admits`; `undefined` when charging writes nothing. */
  readonly charged: State | undefined
  /** Set when the state came from the future: what to store although the charge is refused. */
  readonly repaired: State | undefined
}

/**
 * An {@link Evaluation}.
 *
 * A class, because objects written as literals in six places are not of one kind to the engine: whoever reads them all
 * would be three times slower.
 */
export class Evaluated<State> implements Evaluation<State> {
  readonly admits: boolean
  readonly available: number
  readonly retryAfter: number
  readonly resetAfter: number
  readonly resetAfterCharge: number
  readonly charged: State | undefined
  readonly repaired: State | undefined

  constructor(fields: Evaluation<State>) {
    this.admits = fields.admits
    this.available = fields.available
    this.retryAfter = fields.retryAfter
    this.resetAfter = fields.resetAfter
    this.resetAfterCharge = fields.resetAfterCharge
    this.charged = fields.charged
    this.repaired = fields.repaired
  }
}
