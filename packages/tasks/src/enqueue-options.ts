import type { Duration } from '@plinth/config/units'
import type { Lane } from './lane.js'

/** How one task is enqueued. */
export interface EnqueueOptions {
  /** Not before this much time has passed. */
  readonly delay?: Duration
  /** Not before this moment: a date, or milliseconds since the Unix epoch. Give this or `delay`. */
  readonly at?: Date | number
  /**
   * Dead as `expired` when its first attempt has not begun this long after it was due (a nap of that attempt counts; the wait
   * for a second one does not).
   */
  readonly expires?: Duration
  /** Its lane: default the definition's. */
  readonly priority?: Lane
  /**
   * The same request sent twice is one task: a second enqueue within the window (default `'24h'`) answers the first one's
   * handle, also after that has finished.
   */
  readonly idempotencyKey?: string | { readonly key: string; readonly window?: Duration }
  /**
   * One task per key at a time: while one waits or runs, another enqueue answers that one's handle. `while: 'pending'`
   * lets the key go as soon as the task starts.
   */
  readonly unique?: string | { readonly key: string; readonly while?: 'pending' | 'active' }
  /**
   * Of several within `wait` of each other only the last runs, `wait` after it came; the earlier ones are cancelled. Takes
   * the place of `delay`.
   */
  readonly debounce?: { readonly key: string; readonly wait: Duration }
  /**
   * Your own id for the task, such as an outbox row's; one that is known already is not enqueued again. It is known while the
   * task waits, runs, and is kept (`keep`): for one that keeps nothing give an `idempotencyKey` as well.
   */
  readonly id?: string
  /** Small texts that travel with it, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long to wait for the broker's confirmation; default `enqueueTimeout` of `createTasks`. */
  readonly deadline?: Duration
  readonly signal?: AbortSignal
}

/** Input and options of an enqueue: a task without input may be enqueued without one. */
export type EnqueueArguments<Input, Options> = undefined extends Input
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options]
