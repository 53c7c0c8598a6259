import type { Limit } from '../policy/limit.js'

/**
 * One way to count, as pure functions over a state: no clock, no I/O, nothing remembered.
 *
 * The memory backend runs these; the Redis script and the Memcached protocol are tested against them. Times are whole
 * microseconds since the epoch. A state that lies in the future (the clock was set back) is read as if it had been
 * written now, so that a step of the clock never locks anyone out for longer than the limit itself can.
 */
export interface Algorithm<State> {
  /**
   * The state once `cost` (1 or more, whole) is charged at `now`: {@link REFUSED} when the limit does not admit it,
   * `undefined` when it does and charging writes nothing.
   */
  charge(
    state: State | undefined,
    limit: Limit,
    cost: number,
    now: number,
    lease?: string,
  ): State | typeof REFUSED | undefined

  /** The state as of `now`, when it lies in the future: what to store although a charge is refused. Otherwise `undefined`. */
  repair(state: State | undefined, limit: Limit, now: number): State | undefined

  /** Explains what {@link Algorithm.charge} decides about the same. */
  evaluate(state: State | undefined, limit: Limit, cost: number, now: number, lease?: string): Evaluation

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

/** Said in place of a state by a limit that does not admit a charge. */
export const REFUSED: unique symbol = Symbol('refused')

/** What one limit says about one charge. */
export interface Evaluation {
  readonly admits: boolean
  /** Units that could be charged now. */
  readonly available: number
  /** Microseconds until the same charge is admitted, if nothing else is charged; 0 when admitted, `Infinity` for never. */
  readonly retryAfter: number
  /** Microseconds until the whole quota is available again, if this charge is not made. */
  readonly resetAfter: number
  /** The same, if it is made. */
  readonly resetAfterCharge: number
}

/**
 * An {@link Evaluation}.
 *
 * A class, because objects written as literals in six places are not of one kind to the engine: whoever reads them all
 * would be three times slower.
 */
export class Evaluated implements Evaluation {
  readonly admits: boolean
  readonly available: number
  readonly retryAfter: number
  readonly resetAfter: number
  readonly resetAfterCharge: number

  constructor(fields: Evaluation) {
    this.admits = fields.admits
    this.available = fields.available
    this.retryAfter = fields.retryAfter
    this.resetAfter = fields.resetAfter
    this.resetAfterCharge = fields.resetAfterCharge
  }
}
