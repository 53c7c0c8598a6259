/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'TASK_DEFINITION',
    error: 'TaskDefinitionError',
    meaning: 'A definition or an option cannot work, whatever the broker does.',
    remedy: 'Change the code as the message says.',
  },
  {
    code: 'TASK_CAPABILITY',
    error: 'CapabilityError',
    meaning: 'Something was asked of a broker that it cannot honour.',
    remedy: 'Leave it out, or use another broker.',
  },
  {
    code: 'TASK_INVALID_INPUT',
    error: 'InvalidInputError',
    meaning: 'The input does not fit the schema of the task, or cannot be written as JSON. Nothing was enqueued.',
    remedy: 'Correct the input.',
  },
  {
    code: 'TASK_PAYLOAD_TOO_LARGE',
    error: 'PayloadTooLargeError',
    meaning: 'The message is larger than the limit. Nothing was enqueued.',
    remedy: 'Enqueue a reference to the data.',
  },
  {
    code: 'TASK_BUFFER_FULL',
    error: 'EnqueueBufferFullError',
    meaning: 'The broker is away, and the buffer of `enqueueWhenDown` is full. Nothing was enqueued.',
    remedy: 'Enqueue again when the broker is back, or give the buffer more room.',
  },
  {
    code: 'TASK_ENQUEUE_UNKNOWN',
    error: 'EnqueueUnknownError',
    meaning: 'The broker did not confirm: the task may have been enqueued.',
    remedy: 'Enqueue again with the id that the error carries.',
  },
  {
    code: 'TASK_ENQUEUE_FAILED',
    error: 'InfraError',
    meaning: 'The broker refused the task.',
    remedy: 'See the cause.',
  },
  {
    code: 'TASK_FAILED',
    error: 'TaskFailedError',
    meaning: 'The task ended dead; `reason` and `failure` say why.',
    remedy: 'Mend the cause and replay it.',
  },
  {
    code: 'TASK_CANCELLED',
    error: 'TaskCancelledError',
    meaning: 'The task was cancelled.',
    remedy: 'Nothing.',
  },
  {
    code: 'TASK_TIMEOUT',
    error: 'TaskTimeoutError',
    meaning: 'An attempt ran longer than its timeout.',
    remedy: 'Make it faster, or allow more time.',
  },
  {
    code: 'TASK_WORKER_SHUTDOWN',
    error: 'WorkerShutdownError',
    meaning: 'The worker is closing and its deadline has come; the task was handed back.',
    remedy: 'Nothing: another worker runs it.',
  },
  {
    code: 'TASK_LOST',
    error: 'TaskLostError',
    meaning: 'The worker no longer holds the task; its outcome is dropped.',
    remedy: 'Keep the event loop free while a task runs.',
  },
  {
    code: 'TASK_RESULT_TIMEOUT',
    error: 'ResultTimeoutError',
    meaning: 'The wait for a result took as long as it was told to; the task goes on.',
    remedy: 'Ask again later.',
  },
  {
    code: 'TASK_RESULT_UNAVAILABLE',
    error: 'ResultUnavailableError',
    meaning: 'Nothing is known about the task: it never was, or its result is no longer kept.',
    remedy: 'Ask sooner, or keep results longer.',
  },
  {
    code: 'TASKS_DISABLED',
    error: 'TasksDisabledError',
    meaning: 'Tasks are switched off, so there is no result to wait for.',
    remedy: 'Set TASKS_ENABLED=true, or do not wait.',
  },
  {
    code: 'TASK_JOURNAL_CORRUPT',
    error: 'JournalCorruptError',
    meaning: 'A journal of the memory broker holds a line that is not as it was written, or is no journal.',
    remedy: 'Copy the file away; bring back a sound copy, or keep what came before the damage, as the message says.',
  },
  {
    code: 'TASK_JOURNAL_LOCKED',
    error: 'JournalLockedError',
    meaning: 'Another process, or another broker of this one, works on the journal.',
    remedy: 'End it, give this one another file, or take Redis or RabbitMQ.',
  },
  {
    code: 'TASK_NON_RETRYABLE',
    error: 'NonRetryableError',
    meaning: 'Thrown by a handler: trying again would not help.',
    remedy: 'See the message.',
  },
  {
    code: 'TASK_RETRY_AFTER',
    error: 'RetryAfterError',
    meaning: 'Thrown by a handler: the next attempt shall come after a given delay.',
    remedy: 'Nothing.',
  },
]
