import type { Limit } from './policy/limit.js'

/**
 * Where a rate limiter keeps its counts, one state per subject and limit.
 *
 * A backend decides atomically and by its own clock. It is correct when it passes `rateLimitBackendChecks` of
 * `@plinth/rate-limit/conformance`. A call that cannot be answered within its deadline rejects with
 * `BackendUnavailableError`; it may have been charged nevertheless, never more than once.
 */
export interface RateLimitBackend {
  /** Names this backend in logs, metrics and errors, such as `redis`. */
  readonly name: string
  /** Whether asking it takes a round trip: such questions are traced, and refusals remembered. */
  readonly remote: boolean
  /** Whether it knows without being asked that nobody is blocked: charges of blocks may then be left out. */
  readonly blocksNobody: boolean
  /** Whether it can be asked now. When not, {@link RateLimitBackend.decide} rejects at once. */
  readonly available: boolean

  /** Says why this backend cannot keep such a limit, as a clause; `undefined` when it can. Asked at configuration. */
  refuses(limit: Limit): string | undefined

  /**
   * Decides all charges together: every limit admits and all are charged, or none is.
   *
   * Limits that only watch never refuse; they are charged when the whole is admitted and they admit. A denial and a
   * `peek` write nothing. No two charges have both subject and limit key in common.
   */
  decide(charges: readonly Charge[], options: DecideOptions): Verdict | Promise<Verdict>

  /** Charges or gives back without asking; renews or gives back leases. Never creates a state to give back into it. */
  adjust(corrections: readonly Correction[], options: BackendCallOptions): void | Promise<void>

  /** Blocks a subject by a limit whose algorithm is `block`, and answers how long it is blocked now, in milliseconds. */
  block(subject: string, limit: Limit, order: BlockOrder, options: BackendCallOptions): number | Promise<number>

  /** Looks at how the server is set up, and says in whole sentences what endangers the counts. Asked once, at start. */
  inspect?(options: BackendCallOptions): Promise<readonly string[]>

  /** Forgets what a subject has used of these limits, and lifts blocks. */
  reset(subject: string, limits: readonly Limit[], options: BackendCallOptions): void | Promise<void>
}

/** How long a backend may take, in milliseconds. */
export interface BackendCallOptions {
  readonly deadlineMs: number
}

/** How a backend is to decide. */
export interface DecideOptions extends BackendCallOptions {
  /** Only look: charge nothing. */
  readonly peek: boolean
}

/** One limit to be charged for one subject. */
export interface Charge {
  /** Whose budget: any text of up to 64 UTF-16 units. */
  readonly subject: string
  readonly limit: Limit
  /** A whole number from 1 to the burst of the limit. `concurrency` takes one slot, whatever the cost. */
  readonly cost: number
  /** Only for `concurrency`: names the slot that is taken. */
  readonly lease: string | undefined
}

/** What a backend decided. */
export interface Verdict {
  readonly admitted: boolean
  /**
   * Whether a denial stands until its `retryAfterMs`, unless something is given back.
   *
   * `false` where other calls, themselves refused, may have been counted for an instant.
   */
  readonly firm: boolean
  /** One for each charge, in their order. */
  readonly outcomes: readonly Outcome[]
}

/** What one limit said. */
export interface Outcome {
  readonly admits: boolean
  /** Units left, after the charge if it was made; 0 for a block. */
  readonly remaining: number
  /** Milliseconds until this limit admits the same charge, if nothing else is charged; 0 when it admits, `Infinity` for never. */
  readonly retryAfterMs: number
  /** Milliseconds until the whole quota is available, if nothing else is charged. */
  readonly resetAfterMs: number
  /**
   * From when the charge counts, by the backend's clock in microseconds since the epoch: where a correction finds it again.
   * For `gcra` this is when its time begins to return. Any number for a block.
   */
  readonly at: number
}

/** A correction of what was charged by a verdict. */
export interface Correction {
  readonly subject: string
  readonly limit: Limit
  /** Units to charge (positive) or to give back (negative). For a lease: +1 renews it, -1 gives it back. */
  readonly by: number
  /** {@link Outcome.at} of what is corrected. */
  readonly at: number
  readonly lease: string | undefined
}

/** How a subject is to be blocked. */
export interface BlockOrder {
  /** How long the first block lasts, in milliseconds. */
  readonly baseMs: number
  /** How much longer each following block is, while the one before is remembered. 1 for equal ones. */
  readonly factor: number
  /** The longest a block can become. */
  readonly maxMs: number
  /** How long a block is remembered after its end. */
  readonly rememberMs: number
  /** Whether a block that still lasts is left as it is; otherwise it is replaced. */
  readonly unlessBlocked: boolean
}
