import { EmailError } from '../email-error.js'
import type { EmailQueue, EnqueueEmailOptions, QueuedEmail, QueueItem } from '../email-queue.js'
import type { Message } from '../message/message.js'
import { messageToJson } from '../message/message-json.js'
import { mapConcurrently } from './map-concurrently.js'
import type { Reporter } from './reporter.js'

/** A message that is to wait in the queue. */
export interface Waiting {
  /** Our own id of the message, the same from queue to send log. */
  readonly id: string
  readonly message: Message
  /** The caller's key, if there is one. */
  readonly key: string | undefined
}

/** Where a message waits, or why it does not. */
export type QueuedOutcome = { readonly status: 'queued'; readonly jobId: string } | EmailError

/** How many jobs are on their way into a queue that takes one at a time. */
const CONCURRENCY = 20

/** Puts messages into a queue and notes it in the send log. */
export class QueuedSends {
  readonly #queue: EmailQueue
  readonly #reporter: Reporter

  constructor(queue: EmailQueue, reporter: Reporter) {
    this.#queue = queue
    this.#reporter = reporter
  }

  /** Answers in the order of the messages; one that was not taken never holds up the others. */
  async add(
    waiting: readonly Waiting[],
    options: Omit<EnqueueEmailOptions, 'idempotencyKey'>,
  ): Promise<readonly QueuedOutcome[]> {
    await mapConcurrently(waiting, CONCURRENCY, ({ id, message }) => this.#reporter.record(id, message, 'queued'))
    const items = waiting.map(
      ({ id, message, key }): QueueItem => ({
        job: { version: 1, id, key: key ?? id, message: messageToJson(message) } satisfies QueuedEmail,
        options: { ...options, idempotencyKey: key },
      }),
    )
    const answers = await this.#hand(items)
    return mapConcurrently(waiting, CONCURRENCY, async ({ id, message }, index) => {
      const answer = answers[index]
      if (answer !== undefined && 'id' in answer) return { status: 'queued', jobId: answer.id } as const
      const error = queueError(answer?.error)
      if (!error.ambiguous) await this.#reporter.record(id, message, 'failed')
      return error
    })
  }

  async #hand(items: readonly QueueItem[]): ReturnType<NonNullable<EmailQueue['enqueueMany']>> {
    const queue = this.#queue
    if (items.length > 1 && queue.enqueueMany !== undefined) {
      return queue.enqueueMany(items).catch((error: unknown) => items.map(() => ({ error })))
    }
    return mapConcurrently(items, CONCURRENCY, ({ job, options }) =>
      queue.enqueue(job, options).catch((error: unknown) => ({ error })),
    )
  }
}

function queueError(error: unknown): EmailError {
  if (error instanceof EmailError) return error
  return new EmailError('unavailable', 'The email could not be put into the queue.', { cause: error })
}
