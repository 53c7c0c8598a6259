import { type Clock, systemClock } from '@plinth/core'
import type { Evaluation } from '../algorithms/algorithm.js'
import { algorithmOf } from '../algorithms/algorithms.js'
import { type BlockState, blockRest, nextBlock } from '../algorithms/block.js'
import { outcomeOf } from '../algorithms/outcome-of.js'
import type { Limit } from '../policy/limit.js'
import type {
  BlockOrder,
  Charge,
  Correction,
  DecideOptions,
  Outcome,
  RateLimitBackend,
  Verdict,
} from '../rate-limit-backend.js'
import { type Cell, StateTable } from './memory/state-table.js'

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
  readonly remote: boolean = false
  readonly available: boolean = true
  readonly #clock: Clock
  readonly #table: StateTable
  #blocksNobody = true

  constructor({ maxEntries = 100_000, clock = systemClock }: MemoryBackendOptions) {
    this.#clock = clock
    this.#table = new StateTable(maxEntries)
  }

  get blocksNobody(): boolean {
    return this.#blocksNobody
  }

  get size(): number {
    return this.#table.size
  }

  refuses(): undefined {
    return undefined
  }

  decide(charges: readonly Charge[], options: DecideOptions): Verdict {
    const now = this.#now()
    const found = new Array<Found>(charges.length)
    let admitted = true
    // the hot path of every check: plain loops over arrays of the right length
    for (let i = 0; i < charges.length; i += 1) {
      const charge = charges[i] as Charge
      found[i] = this.#look(charge, now)
      if (!(found[i] as Found).evaluation.admits && !charge.limit.shadow) admitted = false
    }
    if (!options.peek) this.#write(charges, found, admitted, now)
    const outcomes = new Array<Outcome>(charges.length)
    for (let i = 0; i < charges.length; i += 1) {
      const { evaluation } = found[i] as Found
      outcomes[i] = outcomeOf(charges[i] as Charge, evaluation, admitted && !options.peek && evaluation.admits, now)
    }
    return { admitted, firm: true, outcomes }
  }

  adjust(corrections: readonly Correction[]): void {
    const now = this.#now()
    for (const { subject, limit, by, at, lease } of corrections) {
      const state = this.#state(subject, limit, now)
      const next = algorithmOf(limit).adjust(state, limit, by, at, now, lease)
      if (next === undefined) this.#table.clear(subject, limit, now)
      else if (next !== state && (state !== undefined || by > 0)) this.#table.set(subject, limit, next, now)
    }
  }

  block(subject: string, limit: Limit, order: BlockOrder): number {
    const now = this.#now()
    const state = this.#state(subject, limit, now) as BlockState | undefined
    const next = nextBlock(state, order, now)
    this.#blocksNobody = false
    if (next !== state) this.#table.set(subject, limit, next, now)
    return Math.ceil(blockRest(next, now) / 1000)
  }

  reset(subject: string, limits: readonly Limit[]): void {
    const now = this.#now()
    for (const limit of limits) this.#table.clear(subject, limit, now)
  }

  #look(charge: Charge, now: number): Found {
    const { subject, limit } = charge
    const cell = this.#table.find(subject, limit)
    const state = this.#table.read(cell, subject, limit, now)
    return { cell, evaluation: algorithmOf(limit).evaluate(state, limit, charge.cost, now, charge.lease) }
  }

  /** Writes into the cells that were found, and only then inserts: an insertion may evict, and a cell with it. */
  #write(charges: readonly Charge[], found: readonly Found[], admitted: boolean, now: number): void {
    let isNew = false
    for (let i = 0; i < found.length; i += 1) {
      const { cell, evaluation } = found[i] as Found
      const state = stateToKeep(evaluation, admitted)
      if (state === undefined) continue
      if (cell === undefined) isNew = true
      else cell.state = state
    }
    if (!isNew) return
    for (const [i, { subject, limit }] of charges.entries()) {
      const { cell, evaluation } = found[i] as Found
      const state = stateToKeep(evaluation, admitted)
      if (cell === undefined && state !== undefined) this.#table.set(subject, limit, state, now)
    }
  }

  #state(subject: string, limit: Limit, now: number): unknown {
    return this.#table.read(this.#table.find(subject, limit), subject, limit, now)
  }

  #now(): number {
    return Math.floor(this.#clock.now() * 1000)
  }
}

/** What a charge found, and where. */
interface Found {
  readonly cell: Cell | undefined
  readonly evaluation: Evaluation<unknown>
}

function stateToKeep(evaluation: Evaluation<unknown>, admitted: boolean): unknown {
  const { charged, repaired } = evaluation
  return admitted && evaluation.admits && charged !== undefined ? charged : repaired
}
