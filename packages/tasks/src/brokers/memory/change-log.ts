import type { CallOptions } from '@plinth/core'

/** What of a memory broker outlives its process, by the name under which it is found again. */
export type Change =
  /** A task, by its id: added, changed, or known no more. */
  | 'task'
  /** An idempotency key, by its scope. */
  | 'key'
  /** A queue, by its name: paused or resumed. */
  | 'queue'
  /** An entry of the board, by its key. */
  | 'board'
  /** What the leaders of an office saved, by its name. */
  | 'office'

/**
 * Is told what changes in a memory broker, so that it outlives the process.
 *
 * Only names are told: what is written is how things stand when their turn to be written has come, so that many changes of
 * one task in one turn are one record.
 */
export interface ChangeLog {
  note(change: Change, name: string): void
  /** Resolves when all that was noted so far has been written; while writing fails it waits until it succeeds again. */
  written(): Promise<void>
  /** Resolves when all that was noted so far has been written. Rejects with `BackendUnavailableError` when writing fails, or at the deadline. */
  committed(options: CallOptions): Promise<void>
}
