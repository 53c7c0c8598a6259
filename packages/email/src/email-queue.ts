import type { MessageJson } from './message/message-json.js'

/** How soon a queued message is wanted. */
export type EmailPriority = 'low' | 'normal' | 'high'

/**
 * A message on its way through a queue, as plain JSON. It holds all of the message, links and tokens included: keep the
 * queue as private as the mail.
 */
export interface QueuedEmail {
  /** The form of this record; a worker refuses one it does not know. */
  readonly version: 1
  /** Our own id of the message, the same from queue to send log. */
  readonly id: string
  /** The key that keeps it from being sent twice: the caller's, else `id`. */
  readonly key: string
  readonly message: MessageJson
}

/** How a message is to be queued. */
export interface EnqueueEmailOptions {
  /** Set when the caller gave a key: a queue that can drop a second job of the same key may do so. */
  readonly idempotencyKey?: string | undefined
  readonly priority: EmailPriority
  /** Milliseconds before it may be sent. */
  readonly delayMs: number
}

/** One job on its way into the queue. */
export interface QueueItem {
  readonly job: QueuedEmail
  readonly options: EnqueueEmailOptions
}

/**
 * Where queued sends wait: the app factory fills it with tasks.
 *
 * Whoever takes a job out hands it to {@link Mailer.deliver}, and repeats it when that rejects with a retryable error.
 * Handing the same job over twice is safe.
 */
export interface EmailQueue {
  /** Takes the job durably and answers its id; rejects when it could not, with an `ambiguous` `EmailError` when nobody knows. */
  enqueue(job: QueuedEmail, options: EnqueueEmailOptions): Promise<{ readonly id: string }>
  /**
   * Takes many at once: for a queue that does so in fewer round trips. Answers in the order of the items, for each its id or
   * why it was not taken; rejects when none was.
   */
  enqueueMany?(items: readonly QueueItem[]): Promise<readonly ({ readonly id: string } | { readonly error: unknown })[]>
}
