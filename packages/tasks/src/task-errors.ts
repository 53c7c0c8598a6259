import { type Duration, parseDuration } from '@plinth/config/units'
import { InfraError, MisconfiguredError } from '@plinth/core'
import type { Failure } from './message.js'
import type { DeadReason } from './outcome.js'

/** A definition or an option that cannot work, whatever the broker does: it stays wrong until the code changes. */
export class TaskDefinitionError extends MisconfiguredError {
  override readonly name: string = 'TaskDefinitionError'

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { code: 'TASK_DEFINITION', cause: options.cause })
  }
}

/** Something was asked of a broker that it cannot honour. Thrown where it is asked for; never ignored. */
export class CapabilityError extends MisconfiguredError {
  override readonly name: string = 'CapabilityError'

  constructor(message: string) {
    super(message, { code: 'TASK_CAPABILITY' })
  }
}

/** The input of an enqueue does not fit the task's schema, or cannot be written as JSON. Nothing was enqueued. */
export class InvalidInputError extends InfraError {
  override readonly name: string = 'InvalidInputError'

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('TASK_INVALID_INPUT', message, options)
  }
}

/** The message is larger than the limit. Nothing was enqueued. */
export class PayloadTooLargeError extends InfraError {
  override readonly name: string = 'PayloadTooLargeError'

  constructor(message: string) {
    super('TASK_PAYLOAD_TOO_LARGE', message)
  }
}

/**
 * The broker did not confirm in time: the task may or may not have been stored.
 *
 * Enqueueing again with `{ id: error.id }` is safe: it does not become a second task.
 */
export class EnqueueUnknownError extends InfraError {
  override readonly name: string = 'EnqueueUnknownError'
  /** What became of the task, as far as anyone knows. */
  readonly outcome: 'unknown' = 'unknown'
  /** The id the task has if it was stored. */
  readonly id: string

  constructor(message: string, id: string, options: { readonly cause?: unknown } = {}) {
    super('TASK_ENQUEUE_UNKNOWN', message, { retryable: true, cause: options.cause })
    this.id = id
  }
}

/** The broker is away, and what this process keeps for it has reached its bound. Nothing was enqueued. */
export class EnqueueBufferFullError extends InfraError {
  override readonly name: string = 'EnqueueBufferFullError'

  constructor(tasks: number, bytes: number, options: { readonly cause?: unknown } = {}) {
    super(
      'TASK_BUFFER_FULL',
      `The broker is away, and no more tasks are kept for it (${tasks} tasks, ${bytes} bytes are). Enqueue again when it is back.`,
      { retryable: true, cause: options.cause },
    )
  }
}

/** The task ended dead: `reason` says why, `failure` what its last attempt threw. */
export class TaskFailedError extends InfraError {
  override readonly name: string = 'TaskFailedError'
  readonly id: string
  readonly reason: DeadReason
  readonly failure: Failure

  constructor(id: string, task: string, reason: DeadReason, failure: Failure) {
    super('TASK_FAILED', `Task "${task}" is dead (${reason}): ${failure.name}: ${failure.message}`)
    this.id = id
    this.reason = reason
    this.failure = failure
  }
}

/** The task was cancelled: what `handle.result()` rejects with, and the reason of a cancelled handler's signal. */
export class TaskCancelledError extends InfraError {
  override readonly name: string = 'TaskCancelledError'

  constructor(message: string) {
    super('TASK_CANCELLED', message)
  }
}

/** An attempt ran longer than its timeout: the reason of its signal. */
export class TaskTimeoutError extends InfraError {
  override readonly name: string = 'TaskTimeoutError'

  constructor(message: string) {
    super('TASK_TIMEOUT', message, { retryable: true })
  }
}

/** The worker is closing and its deadline has come: the reason of a running handler's signal. The task is handed back. */
export class WorkerShutdownError extends InfraError {
  override readonly name: string = 'WorkerShutdownError'

  constructor() {
    super('TASK_WORKER_SHUTDOWN', 'The worker is closing; the task was handed back.', { retryable: true })
  }
}

/** The worker no longer holds the task, somebody else may run it: the reason of its signal. Its outcome is dropped. */
export class TaskLostError extends InfraError {
  override readonly name: string = 'TaskLostError'

  constructor() {
    super('TASK_LOST', 'The broker took the task away from this worker; its outcome is dropped.', { retryable: true })
  }
}

/** `handle.result()` waited as long as it was told to. The task goes on. */
export class ResultTimeoutError extends InfraError {
  override readonly name: string = 'ResultTimeoutError'

  constructor(id: string, timeoutMs: number) {
    super('TASK_RESULT_TIMEOUT', `Task ${id} has not ended within ${timeoutMs} ms. It goes on; ask again later.`, {
      retryable: true,
    })
  }
}

/** Nothing is known about the task: it never was, or its result is no longer kept. */
export class ResultUnavailableError extends InfraError {
  override readonly name: string = 'ResultUnavailableError'

  constructor(id: string) {
    super(
      'TASK_RESULT_UNAVAILABLE',
      `Nothing is known about task ${id}: it never was, or its result is no longer kept.`,
    )
  }
}

/** Tasks are switched off, so there is no result to wait for. */
export class TasksDisabledError extends InfraError {
  override readonly name: string = 'TasksDisabledError'

  constructor() {
    super('TASKS_DISABLED', 'Tasks are disabled (TASKS_ENABLED=false): nothing was enqueued, so there is no result.')
  }
}

/** A journal holds a line that is not as it was written. Nothing is read from it, since what the line held was confirmed. */
export class JournalCorruptError extends MisconfiguredError {
  override readonly name: string = 'JournalCorruptError'
  readonly path: string
  /** Where the line begins, in bytes. */
  readonly offset: number

  constructor(path: string, offset: number) {
    super(
      offset === 0
        ? `${path} is no journal of tasks, or its first line is damaged. Name another file, or move this one away to begin with none.`
        : `The journal of tasks ${path} is damaged at byte ${offset}. Copy it away; then bring back a sound copy, or keep what came before the damage: truncate -s ${offset} ${path}`,
      { code: 'TASK_JOURNAL_CORRUPT' },
    )
    this.path = path
    this.offset = offset
  }
}

/** Another process, or another broker of this one, works on the journal. */
export class JournalLockedError extends MisconfiguredError {
  override readonly name: string = 'JournalLockedError'
  readonly path: string
  /** The process that holds it; absent when its lock cannot be read. */
  readonly pid: number | undefined

  constructor(path: string, pid: number | undefined) {
    super(
      pid === undefined
        ? `The journal of tasks ${path} is locked, and its lock cannot be read. Remove ${path}.lock when no process uses it.`
        : `The journal of tasks ${path} is in use by process ${pid}. A journal belongs to one broker of one process: end that one, give this one another file, or take Redis or RabbitMQ.`,
      { code: 'TASK_JOURNAL_LOCKED' },
    )
    this.path = path
    this.pid = pid
  }
}

/** Thrown by a handler: this attempt failed, and trying again would not help. The task is dead at once. */
export class NonRetryableError extends InfraError {
  override readonly name: string = 'NonRetryableError'

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('TASK_NON_RETRYABLE', message, options)
  }
}

/** Thrown by a handler: this attempt failed, and the next one shall come after exactly `delay`. */
export class RetryAfterError extends InfraError {
  override readonly name: string = 'RetryAfterError'
  readonly delayMs: number

  constructor(message: string, delay: Duration, options: { readonly cause?: unknown } = {}) {
    super('TASK_RETRY_AFTER', message, { retryable: true, cause: options.cause })
    this.delayMs = parseDuration(delay, 'The delay of a RetryAfterError')
  }
}
