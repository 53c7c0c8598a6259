import type { Ending, Settled } from './outcome.js'

/** Tells how a task ended to whoever waits for it, its result read from JSON. */
export function settledOf(ending: Ending): Settled {
  switch (ending.kind) {
    case 'completed':
      return {
        status: 'completed',
        result: ending.result === undefined ? undefined : (JSON.parse(ending.result) as unknown),
      }
    case 'dead':
      return { status: 'dead', reason: ending.reason, failure: ending.failure }
    default:
      return { status: 'cancelled', reason: ending.reason }
  }
}
