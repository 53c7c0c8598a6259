import { type Clock, systemClock } from '@plinth/core'
import type { Evaluation } from '../algorithms/algorithm.js'
import { algorithmOf } from '../algorithms/algorithms.js'
import { type BlockState, blockRest, nextBlock } from '../algorithms/block.js'
import type { Limit } from '../limit.js'
import type {
  BlockOrder,
  Charge,
  Correction,
  DecideOptions,
  Outcome,
  RateLimitBackend,
  Verdict,
} from '../rate-limit-backend.js'
import { StateTable } from './memory/state-table.js'

/** Options of {@link memoryBackend}. */
export interface MemoryBackendOptions {
  /** How many states to keep at most; what is forgotten beyond that still counts. Default 100,000. */
  readonly maxEntries?: number
  /** Where to read the time. Default: the machine's clock. */
  readonly clock?: Clock
}

/**
 * Counts in this process: the embedded default, and what a limiter falls back to when its backend is away.
 *
 * Bounded, without timers. When it is full it forgets the states with the smallest share of their quota in use, and
 * remembers an upper bound for them: cycling through keys can make others wait, but never wins back a quota.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  return new InProcess(options)
}

/** A backend in this process. */
export interface MemoryBackend extends RateLimitBackend {
  /** How many states it keeps now. */
  readonly size: number
}

class InProcess implements MemoryBackend {
  readonly name: string = 'memory'
  readonly available: boolean = true
  readonly #clock: Clock
  readonly #table: StateTable

  constructor({ maxEntries = 100_000, clock = systemClock }: MemoryBackendOptions) {
    this.#clock = clock
    this.#table = new StateTable(maxEntries)
  }

  get size(): number {
    return this.#table.size
  }

  refuses(): undefined {
    return undefined
  }

  decide(charges: readonly Charge[], { peek }: DecideOptions): Verdict {
    const now = this.#now()
    const evaluations = charges.map(({ subject, limit, cost, lease }) =>
      algorithmOf(limit).evaluate(this.#table.get(subject, limit, now), limit, cost, now, lease),
    )
    const admitted = evaluations.every((evaluation, i) => evaluation.admits || charges[i]?.limit.shadow === true)
    const outcomes = charges.map((charge, i) => {
      const evaluation = evaluations[i] as Evaluation<unknown>
      const charged = admitted && !peek && evaluation.admits
      const state = charged ? (evaluation.charged ?? evaluation.repaired) : evaluation.repaired
      if (!peek && state !== undefined) this.#table.set(charge.subject, charge.limit, state, now)
      return outcomeOf(charge, evaluation, charged, now)
    })
    return { admitted, outcomes }
  }

  adjust(corrections: readonly Correction[]): void {
    const now = this.#now()
    for (const { subject, limit, by, at, lease } of corrections) {
      const state = this.#table.get(subject, limit, now)
      const next = algorithmOf(limit).adjust(state, limit, by, at, now, lease)
      if (next === undefined) this.#table.clear(subject, limit, now)
      else if (next !== state && (state !== undefined || by > 0)) this.#table.set(subject, limit, next, now)
    }
  }

  block(subject: string, limit: Limit, order: BlockOrder): number {
    const now = this.#now()
    const state = this.#table.get(subject, limit, now) as BlockState | undefined
    const next = nextBlock(state, order, now)
    if (next !== state) this.#table.set(subject, limit, next, now)
    return Math.ceil(blockRest(next, now) / 1000)
  }

  reset(subject: string, limits: readonly Limit[]): void {
    const now = this.#now()
    for (const limit of limits) this.#table.clear(subject, limit, now)
  }

  #now(): number {
    return Math.floor(this.#clock.now() * 1000)
  }
}

function outcomeOf({ limit, cost }: Charge, evaluation: Evaluation<unknown>, charged: boolean, at: number): Outcome {
  const taken = limit.algorithm === 'concurrency' ? 1 : limit.algorithm === 'block' ? 0 : cost
  return {
    admits: evaluation.admits,
    remaining: charged ? evaluation.available - taken : evaluation.available,
    retryAfterMs: Math.ceil(evaluation.retryAfter / 1000),
    resetAfterMs: Math.ceil((charged ? evaluation.resetAfterCharge : evaluation.resetAfter) / 1000),
    at,
  }
}
