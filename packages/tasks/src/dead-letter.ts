import type { Lane } from './lane.js'
import type { Failure } from './message.js'
import type { DeadReason } from './outcome.js'

/** A task that nobody will try again by itself, with everything needed to judge and replay it. */
export interface DeadLetter {
  readonly id: string
  readonly queue: string
  readonly task: string
  readonly lane: Lane
  readonly reason: DeadReason
  readonly failure: Failure
  /** How many attempts were made. */
  readonly attempt: number
  /** The input as it was enqueued; `undefined` when it could not be read. */
  readonly input: unknown
  /** Milliseconds since the Unix epoch. */
  readonly enqueuedAt: number
  readonly deadAt: number
}

/** Which dead letters are meant; conditions add up, and none at all means every one. */
export interface DeadFilter {
  readonly task?: string
  readonly queue?: string
  readonly reason?: DeadReason
  /** Only those that died at or after this time, and before that time (milliseconds since the epoch). */
  readonly since?: number
  readonly until?: number
}
