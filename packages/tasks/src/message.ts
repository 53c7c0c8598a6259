import type { Lane } from './lane.js'

/** Where a task is found: its id, and the queue it was put into. */
export interface TaskRef {
  readonly id: string
  readonly queue: string
}

/** One task on its way, as every broker stores it. Times are milliseconds since the Unix epoch. */
export interface TaskMessage extends TaskRef {
  /** The name of its definition. */
  readonly task: string
  /** The version of the definition that `input` was written for. */
  readonly version: number
  readonly lane: Lane
  /** The validated, untransformed input. A broker stores it as JSON. */
  readonly input: unknown
  /** How often it may be tried, the first time included. */
  readonly attempts: number
  readonly enqueuedAt: number
  /** Not to be started before. Absent: at once. */
  readonly dueAt?: number
  /** The first attempt is not worth starting after. */
  readonly expiresAt?: number
  /** How long its result is kept once it has completed. 0 keeps nothing. */
  readonly keepResultMs: number
  /** How long it is kept as a dead letter. */
  readonly keepDeadMs: number
  /** Keeps other enqueues of the same key from becoming a task of their own. */
  readonly dedupe?: Dedupe
  /** The task that enqueued it, and the first of that line. */
  readonly parent?: string
  readonly root?: string
  /** Small texts that travel with it, such as `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>
  /** When a worker first had to put it aside because it did not know the task or its version. */
  readonly parkedAt?: number
}

/** Up to four independent conditions. They are scoped by queue and task name; text of any form is a valid key. */
export interface Dedupe {
  /** The id was chosen by the caller, so it may be known already: then this is the same task, not a second one. */
  readonly id?: true
  /** The same request sent twice is one task; the key holds for `windowMs` from the first, also after it has finished. */
  readonly idempotency?: { readonly key: string; readonly windowMs: number }
  /** One task per key at a time: until it starts (`pending`), or until it has finished (`active`). */
  readonly unique?: { readonly key: string; readonly while: 'pending' | 'active' }
  /** Of several within `waitMs` of each other, only the last runs, `waitMs` after it came; the earlier ones are cancelled. */
  readonly debounce?: { readonly key: string; readonly waitMs: number }
}

/** What went wrong, in a form that survives JSON. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
}

/** A message that is to be run now, whatever it was meant to wait for, or not to outlive, when it was enqueued. */
export function afresh({ dueAt: _, expiresAt: __, parkedAt: ___, ...message }: TaskMessage): TaskMessage {
  return message
}
