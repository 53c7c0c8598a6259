import type { MemcachedConnection } from '@plinth/core/memcached'
import type { BackendCallOptions, Charge, Correction, Outcome } from '../../rate-limit-backend.js'

/**
 * How one algorithm counts in Memcached, which can add to a number and store only what is absent, and nothing else
 * atomically.
 *
 * A charge is written first and judged afterwards: the counter is then at no moment below what was admitted, so racing
 * callers may refuse one another, and never both be admitted beyond the limit.
 */
export interface Protocol {
  /** Writes the charge, and says what it found. What is refused by this or another limit is undone afterwards. */
  charge(charge: Charge, call: MemcachedCall): Promise<WrittenCharge>
  /** What a charge would find. Writes nothing. */
  peek(charge: Charge, call: MemcachedCall): Promise<Outcome>
  /** See `RateLimitBackend.adjust`. */
  correct(correction: Correction, call: MemcachedCall): Promise<void>
  /** Every key that may hold something of this limit. */
  keys(limit: Charge['limit'], subject: string, call: MemcachedCall): readonly string[]
}

/** A charge came too late for what it read: take it back and make it once more. */
export class LateCharge extends Error {
  readonly undo: () => Promise<unknown>

  constructor(undo: () => Promise<unknown>) {
    super('A charge was under way for too long.')
    this.undo = undo
  }
}

/** A charge that was written. */
export interface WrittenCharge {
  /** As if it had not been charged, except for `admits`. */
  readonly outcome: Outcome
  /** Milliseconds until all is available again, once it is charged. */
  readonly resetAfterChargeMs: number
  /** Takes back what was written; `undefined` when nothing was. */
  readonly undo: (() => Promise<unknown>) | undefined
}

/** One call of a backend: its connection, its moment, and the time it has left. */
export interface MemcachedCall {
  readonly connection: MemcachedConnection
  /** The servers' clock when the call began, in microseconds. */
  readonly now: number
  /** Whether a charge that comes too late cannot be made again. */
  readonly isLast: boolean
  /** The key of a part of a limit's state, such as a window's number. */
  key(subject: string, limit: Charge['limit'], part: string | number): string
  /** What is left of the deadline, for the next command. */
  left(): BackendCallOptions
}

/** A counter as it stands in Memcached. */
export function readCount(value: Buffer | undefined): number {
  const count = Number(value?.toString('latin1').trim() ?? 0)
  return Number.isSafeInteger(count) ? count : 0
}

/** Added to every TTL: servers expire up to a second early, and clocks differ. Correctness never rests on a TTL. */
export const TTL_SLACK_MS = 2000
