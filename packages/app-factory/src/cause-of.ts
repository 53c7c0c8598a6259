import { BackendUnavailableError, InfraError, MisconfiguredError, type MoveCause } from '@plinth/core'

/** Sorts what a start or a probe threw: a mistake, an outage, or a bug. */
export function causeOf(thrown: unknown): MoveCause {
  const error = thrown instanceof Error ? thrown : new InfraError('BUG', String(thrown))
  if (error instanceof MisconfiguredError) return { reason: 'misconfigured', error }
  if (error instanceof BackendUnavailableError) return { reason: 'outage', error }
  if (error instanceof InfraError && error.retryable) return { reason: 'outage', error }
  return { reason: 'bug', error }
}
