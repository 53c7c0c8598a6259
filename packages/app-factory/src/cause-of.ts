import { classifyFault, InfraError, type MoveCause } from '@plinth/core'

/** Sorts what a start or a probe threw: a mistake, an outage, or a bug. */
export function causeOf(thrown: unknown): MoveCause {
  const error = thrown instanceof Error ? thrown : new InfraError('BUG', String(thrown))
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return { reason: 'timeout', error }
  return { reason: classifyFault(error).kind, error }
}
