import type { Outcome } from './outcome.js'

/** Whether an outcome came of running the handler to an end, so that the attempt counts. */
export function spendsAttempt(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'completed':
    case 'retry':
    case 'cancelled':
      return true
    case 'dead':
      return outcome.reason === 'attempts' || outcome.reason === 'timeout' || outcome.reason === 'non-retryable'
    default:
      return false
  }
}
