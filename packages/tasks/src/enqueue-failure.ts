import { InfraError } from '@plinth/core'

/** Gives what kept a message from being stored as one of our errors; any other is the cause of a `TASK_ENQUEUE_FAILED`. */
export function enqueueFailure(thrown: unknown): InfraError {
  if (thrown instanceof InfraError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new InfraError('TASK_ENQUEUE_FAILED', message, { cause: thrown })
}
