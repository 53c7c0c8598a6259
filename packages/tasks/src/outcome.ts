import type { Failure } from './message.js'

/** Why a task is dead: nobody will try it again unless it is replayed. */
export type DeadReason =
  /** Every attempt failed. */
  | 'attempts'
  /** The failure was one that trying again cannot mend. */
  | 'non-retryable'
  /** The input does not fit the schema, or the stored form cannot be read. */
  | 'invalid-payload'
  /** No worker knew the task, or its version, within the grace. */
  | 'unknown-task'
  /** It was not started before it expired. */
  | 'expired'
  /** It brought its process down, several times, running alone. */
  | 'crash'
  /** The last attempt ran out of time. */
  | 'timeout'

/** What a worker decided about one delivery; the broker makes it so, durably, before it lets go of the delivery. */
export type Outcome =
  /** Done. `result` is JSON text; `undefined` when there is none to keep. */
  | { readonly kind: 'completed'; readonly result: string | undefined }
  /** Try again `delayMs` from now; this attempt counts. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failure: Failure }
  /** Deliver again `delayMs` from now; this attempt does not count. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly parkedAt?: number }
  /** Never again by itself. */
  | { readonly kind: 'dead'; readonly reason: DeadReason; readonly failure: Failure }
  | { readonly kind: 'cancelled'; readonly reason: string | undefined }
  /** Handed back untouched for any worker, at once; this attempt does not count. */
  | { readonly kind: 'released' }

/** An outcome after which a task is over. */
export type Ending = Extract<Outcome, { readonly kind: 'completed' | 'dead' | 'cancelled' }>

/** How a task ended. */
export type Settled =
  | { readonly status: 'completed'; readonly result: unknown }
  | { readonly status: 'dead'; readonly reason: DeadReason; readonly failure: Failure }
  | { readonly status: 'cancelled'; readonly reason: string | undefined }
