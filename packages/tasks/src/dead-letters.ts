import type { DeadFilter, DeadLetter } from './dead-letter.js'

/** The tasks that nobody will try again by itself. */
export interface DeadLetters {
  /** Dead letters, oldest first. Reading changes nothing. */
  list(options?: DeadFilter & { readonly limit?: number }): Promise<readonly DeadLetter[]>
  /**
   * Puts one dead letter (by id), or all that fit a filter, back into their queues with all attempts fresh.
   *
   * A dead letter keeps its id. Replaying one by an id that is not dead answers an empty list.
   */
  replay(which: string | DeadFilter, options?: ReplayOptions): Promise<ReplayReport>
  /** Drops one dead letter for good. Answers false when there is none of that id. */
  discard(id: string): Promise<boolean>
}

/** How dead letters are replayed. */
export interface ReplayOptions {
  /** At most this many. Default 1000. */
  readonly limit?: number
  /** Answers which would be replayed, and replays none. */
  readonly dryRun?: boolean
}

/** What was replayed. */
export interface ReplayReport {
  /** The ids, oldest first. */
  readonly replayed: readonly string[]
  /** Whether nothing was really done. */
  readonly dryRun: boolean
}
