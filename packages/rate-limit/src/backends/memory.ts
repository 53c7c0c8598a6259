import { type Clock, systemClock } from '@plinth/core'
import { REFUSED } from '../algorithms/algorithm.js'
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
    const found = charges.map((charge) => this.#look(charge, now))
    const admitted = found.every(({ next }, i) => next !== REFUSED || charges[i]?.limit.shadow === true)
    if (!options.peek) this.#write(charges, found, admitted, now)
    const states = found.map(({ state }) => state)
    return new MemoryVerdict(charges, states, { admitted, charged: admitted && !options.peek, now })
  }

  /** The same for a single charge, which most checks are: without arrays, in half the time. */
  #decideOne(charges: readonly Charge[], charge: Charge, { peek }: DecideOptions, now: number): Verdict {
    const { subject, limit } = charge
    const cell = this.#table.find(subject, limit)
    const state = this.#table.read(cell, subject, limit, now)
    const next = algorithmOf(limit).charge(state, limit, charge.cost, now, charge.lease)
    const admitted = next !== REFUSED || limit.shadow
    if (!peek) {
      const kept = stateToKeep(limit, state, next, now)
      if (kept !== undefined) {
        if (cell === undefined) this.#table.set(subject, limit, kept, now)
        else cell.state = kept
      }
    }
    return new MemoryVerdict(charges, state, { admitted, charged: admitted && !peek, now })
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
    return { cell, state, next: algorithmOf(limit).charge(state, limit, charge.cost, now, charge.lease) }
  }

  /** Writes into the cells that were found, and only then inserts: an insertion may evict, and a cell with it. */
  #write(charges: readonly Charge[], found: readonly Found[], admitted: boolean, now: number): void {
    let isNew = false
    for (let i = 0; i < found.length; i += 1) {
      const { cell, state, next } = found[i] as Found
      const kept = stateToKeep((charges[i] as Charge).limit, state, admitted ? next : REFUSED, now)
      if (kept === undefined) continue
      if (cell === undefined) isNew = true
      else cell.state = kept
    }
    if (!isNew) return
    for (const [i, { subject, limit }] of charges.entries()) {
      const { cell, state, next } = found[i] as Found
      const kept = stateToKeep(limit, state, admitted ? next : REFUSED, now)
      if (cell === undefined && kept !== undefined) this.#table.set(subject, limit, kept, now)
    }
  }

  #state(subject: string, limit: Limit, now: number): unknown {
    return this.#table.read(this.#table.find(subject, limit), subject, limit, now)
  }

  #now(): number {
    return Math.floor(this.#clock.now() * 1000)
  }
}

/** What a charge found, where, and what it would make of it. */
interface Found {
  readonly cell: Cell | undefined
  readonly state: unknown
  readonly next: unknown
}

/** A verdict whose outcomes are worked out, from the states that were found, when somebody asks: most callers do not. */
class MemoryVerdict implements Verdict {
  readonly admitted: boolean
  readonly firm: boolean = true
  readonly #charges: readonly Charge[]
  readonly #states: unknown
  readonly #charged: boolean
  readonly #now: number
  #outcomes: readonly Outcome[] | undefined

  /** @param states one for each charge; that of an only charge stands for itself. */
  constructor(
    charges: readonly Charge[],
    states: unknown,
    { admitted, charged, now }: { readonly admitted: boolean; readonly charged: boolean; readonly now: number },
  ) {
    this.admitted = admitted
    this.#charges = charges
    this.#states = states
    this.#charged = charged
    this.#now = now
  }

  get outcomes(): readonly Outcome[] {
    this.#outcomes ??= this.#work()
    return this.#outcomes
  }

  #work(): readonly Outcome[] {
    const states = this.#charges.length === 1 ? [this.#states] : (this.#states as readonly unknown[])
    return this.#charges.map((charge, i) => {
      const { limit, cost, lease } = charge
      const evaluation = algorithmOf(limit).evaluate(states[i], limit, cost, this.#now, lease)
      return outcomeOf(charge, evaluation, this.#charged && evaluation.admits, this.#now)
    })
  }
}

/** What to store: the state once charged, else the one that was found if it has to be repaired. */
function stateToKeep(limit: Limit, state: unknown, next: unknown, now: number): unknown {
  return next === REFUSED || next === undefined ? algorithmOf(limit).repair(state, limit, now) : next
}
