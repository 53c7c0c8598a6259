import { InfraError } from '@plinth/core'

/** Whether an error of a store means "go on without": an outage, or a refusal that only a person can end. Bugs are neither. */
export function isAway(error: unknown): error is InfraError {
  return error instanceof InfraError && (error.code === 'BACKEND_UNAVAILABLE' || error.code === 'MISCONFIGURED')
}
