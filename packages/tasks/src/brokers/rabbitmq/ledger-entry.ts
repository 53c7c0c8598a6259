import type { DeadLetter } from '../../dead-letter.js'
import type { TaskMessage } from '../../message.js'
import type { Settled } from '../../outcome.js'

/** What processes write down for each other, in one order that all of them read. Times in milliseconds since the Unix epoch. */
export type LedgerEntry =
  | { readonly t: 'sync' }
  /** Somebody is about to carry the whole view forward, so that later readers can begin there. */
  | { readonly t: 'carry'; readonly at: number; readonly by: string }
  | {
      readonly t: 'claim'
      readonly id: string
      readonly at: number
      readonly request?: { readonly scope: string; readonly until: number }
      readonly unique?: string
      /** The id was chosen by the caller, so it may be known. */
      readonly known?: boolean
    }
  | { readonly t: 'stored'; readonly id: string }
  /** Whether a claimed message was stored will never be known. */
  | { readonly t: 'unsure'; readonly id: string }
  /** A suspect is about to run alone; answered by how often it has, this `start` included. */
  | { readonly t: 'solo'; readonly id: string; readonly start: string }
  /** That start, or without one every start, came to an end: the process did not die of it. */
  | { readonly t: 'unsolo'; readonly id: string; readonly start?: string }
  | { readonly t: 'release'; readonly id: string; readonly scopes: readonly string[] }
  | {
      readonly t: 'end'
      readonly id: string
      readonly at: number
      readonly keepMs: number
      readonly settled: Settled
      readonly scopes?: readonly string[]
      readonly dead?: DeadEntry
    }
  | { readonly t: 'cancel'; readonly id: string; readonly queue: string; readonly reason?: string }
  /** The letter of that time is no dead letter any more; a later one of the same task is not meant. */
  | { readonly t: 'undead'; readonly id: string; readonly deadAt: number }
  | { readonly t: 'ask'; readonly id: string; readonly queue: string }
  /** A worker of that queue has read that a task was cancelled or asked for, and does not run it. `by` names the worker. */
  | { readonly t: 'heard'; readonly id: string; readonly by: string }
  | {
      readonly t: 'running'
      readonly id: string
      readonly by: string
      readonly attempt: number
      readonly task: string
      readonly queue: string
      readonly progress?: string
    }
  | { readonly t: 'memo'; readonly id: string; readonly key: string; readonly value: string }
  | { readonly t: 'set'; readonly key: string; readonly value?: string }

/** A dead letter, and the message that is put back when it is replayed. */
export interface DeadEntry {
  readonly letter: DeadLetter
  readonly message: TaskMessage
  /** The turn of the message when it died; absent in what earlier versions wrote. */
  readonly turn?: number
}
