import { BackendUnavailableError, MisconfiguredError } from '@plinth/core'
import type { DegradedReason } from './decision.js'

/** Why a backend's failure degrades a decision; `undefined` for a bug, which is passed on. */
export function degradedReasonOf(error: unknown): DegradedReason | undefined {
  if (error instanceof BackendUnavailableError) return error.reason === 'deadline' ? 'deadline' : 'unavailable'
  return error instanceof MisconfiguredError ? 'misconfigured' : undefined
}
