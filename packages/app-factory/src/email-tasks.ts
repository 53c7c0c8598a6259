import { EmailError, type EmailQueue, type EnqueueEmailOptions, type Mailer, type QueuedEmail } from '@plinth/email'
import { defineTask, type EnqueueOptions, EnqueueUnknownError, type Task, type Tasks } from '@plinth/tasks'

/** The task in which a queued message waits for a worker. */
export type EmailTask = Task<QueuedEmail, void>

const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 900_000

/**
 * Makes the task that sends queued mail: a retryable failure is tried again for about a day, later if the provider says
 * so; anything else is dead at once, with the provider's reason.
 */
export function emailTask(mailer: () => Mailer): EmailTask {
  return defineTask<QueuedEmail, void>({
    name: 'plinth.email.send',
    timeout: '5m',
    retry: {
      attempts: 100,
      retryIf: (error) => !(error instanceof EmailError) || error.retryable,
      backoff: (attempt, error) => {
        const step = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt - 1, 20))
        const asked = error instanceof EmailError ? (error.retryAfterMs ?? 0) : 0
        return Math.max(asked, step * (0.5 + Math.random() / 2))
      },
    },
    run: async (job, context) => {
      await mailer().deliver(job, { signal: context.signal })
    },
  })
}

/** Lends tasks to the mailer as its queue. */
export function emailQueue(task: EmailTask, tasks: () => Tasks): EmailQueue {
  return {
    enqueue: async (job, options) => {
      try {
        return { id: (await tasks().enqueue(task, job, taskOptions(options))).id }
      } catch (error) {
        throw queueError(error)
      }
    },
    enqueueMany: async (items) => {
      const answers = await tasks().enqueueMany(
        task,
        items.map(({ job, options }) => ({ input: job, options: taskOptions(options) })),
      )
      return answers.map(({ handle, error }) =>
        handle === undefined ? { error: queueError(error) } : { id: handle.id },
      )
    },
  }
}

/** A queue that did not confirm in time may hold the message: the error must say so, or a repetition sends it twice. */
function queueError(error: unknown): unknown {
  if (!(error instanceof EnqueueUnknownError)) return error
  const text =
    'The queue did not confirm in time that it took the email. Send again under the same idempotencyKey only.'
  return new EmailError('timeout', text, { ambiguous: true, cause: error })
}

function taskOptions({ idempotencyKey, priority, delayMs }: EnqueueEmailOptions): EnqueueOptions {
  return {
    priority,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey: `email:${idempotencyKey}` }),
    ...(delayMs > 0 ? { delay: delayMs } : {}),
  }
}
