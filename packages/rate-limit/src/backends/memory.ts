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
    const [first] = charges
    if (first !== undefined && charges.length === 1) return this.#decideOne(charges, first, options, now)
    const found = new Array<Found>(charges.length)
    let admitted = true
    for (let i = 0; i < charges.length; i += 1) {
      const charge = charges[i] as Charge
      found[i] = this.#look(charge, now)
      if (!(found[i] as Found).evaluation.admits && !charge.limit.shadow) admitted = false
    }
    if (!options.peek) this.#write(charges, found, admitted, now)
    const evaluations = found.map(({ evaluation }) => evaluation)
    return new MemoryVerdict(charges, evaluations, { admitted, charged: admitted && !options.peek, now })
  }

  /** The same for a single charge, which most checks are: without arrays, in half the time. */
  #decideOne(charges: readonly Charge[], charge: Charge, { peek }: DecideOptions, now: number): Verdict {
    const { subject, limit } = charge
    const cell = this.#table.find(subject, limit)
    const state = this.#table.read(cell, subject, limit, now)
    const evaluation = algorithmOf(limit).evaluate(state, limit, charge.cost, now, charge.lease)
    const admitted = evaluation.admits || limit.shadow
    if (!peek) {
      const next = stateToKeep(evaluation, admitted)
      if (next !== undefined) {
        if (cell === undefined) this.#table.set(subject, limit, next, now)
        else cell.state = next
      }
    }
    return new MemoryVerdict(charges, evaluation, { admitted, charged: admitted && !peek, now })
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

/** A verdict whose outcomes are worked out when somebody asks: most callers look at `admitted` alone. */
class MemoryVerdict implements Verdict {
  readonly admitted: boolean
  readonly firm: boolean = true
  readonly #charges: readonly Charge[]
  readonly #evaluations: Evaluation<unknown> | readonly Evaluation<unknown>[]
  readonly #charged: boolean
  readonly #now: number
  #outcomes: readonly Outcome[] | undefined

  /** @param evaluations one for each charge; the only one may stand for itself. */
  constructor(
    charges: readonly Charge[],
    evaluations: Evaluation<unknown> | readonly Evaluation<unknown>[],
    { admitted, charged, now }: { readonly admitted: boolean; readonly charged: boolean; readonly now: number },
  ) {
    this.admitted = admitted
    this.#charges = charges
    this.#evaluations = evaluations
    this.#charged = charged
    this.#now = now
  }

  get outcomes(): readonly Outcome[] {
    this.#outcomes ??= this.#work()
    return this.#outcomes
  }

  #work(): readonly Outcome[] {
    const evaluations = 'length' in this.#evaluations ? this.#evaluations : [this.#evaluations]
    return this.#charges.map((charge, i) => {
      const evaluation = evaluations[i] as Evaluation<unknown>
      return outcomeOf(charge, evaluation, this.#charged && evaluation.admits, this.#now)
    })
  }
}

function stateToKeep(evaluation: Evaluation<unknown>, admitted: boolean): unknown {
  const { charged, repaired } = evaluation
  return admitted && evaluation.admits && charged !== undefined ? charged : repaired
}
