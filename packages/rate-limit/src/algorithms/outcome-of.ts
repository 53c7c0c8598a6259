import type { Charge, Outcome } from '../rate-limit-backend.js'
import type { Evaluation } from './algorithm.js'
import { NOT_BLOCKED } from './block.js'
import { gcraChargedAt } from './gcra.js'

/** What an evaluation at `now` (microseconds) means to a caller, in milliseconds, after the charge if it was made. */
export function outcomeOf(charge: Charge, evaluation: Evaluation, charged: boolean, now: number): Outcome {
  if (evaluation === NOT_BLOCKED) return FREE // nothing is ever corrected about a block, so its time does not matter
  const { limit, cost } = charge
  const { algorithm } = limit
  const taken = algorithm === 'concurrency' ? 1 : algorithm === 'block' ? 0 : cost
  const at = charged && algorithm === 'gcra' ? gcraChargedAt(limit, cost, evaluation.resetAfterCharge, now) : now
  return {
    admits: evaluation.admits,
    remaining: charged ? evaluation.available - taken : evaluation.available,
    retryAfterMs: Math.ceil(evaluation.retryAfter / 1000),
    resetAfterMs: Math.ceil((charged ? evaluation.resetAfterCharge : evaluation.resetAfter) / 1000),
    at,
  }
}

const FREE: Outcome = Object.freeze({ admits: true, remaining: 0, retryAfterMs: 0, resetAfterMs: 0, at: 0 })
