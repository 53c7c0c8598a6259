import { algorithmOf } from '../../algorithms/algorithms.js'
import type { Limit } from '../../policy/limit.js'
import { MaxSketch } from './max-sketch.js'

/** How many entries an insertion looks at for expired ones, and an eviction for the least used. */
const SWEEP = 2
const SAMPLE = 8

/** Stands where an upper bound is remembered that no longer holds. */
const CLEARED = Symbol('cleared')

/** A state in its place. Others may hold on to it only until something is inserted, cleared or forgotten. */
export interface Cell {
  state: unknown
}

/** The states of one limit, by subject. */
interface Shelf {
  limit: Limit
  readonly cells: Map<string, Cell>
  /** Where the sweep stands; a Map's iterator survives insertions and deletions. */
  hand: Iterator<[string, Cell]>
  /** What was evicted; absent until something was. */
  forgotten: MaxSketch | undefined
}

/** States by limit and subject, bounded: what does not fit is remembered as an upper bound. */
export class StateTable {
  readonly #shelves = new Map<string, Shelf>()
  readonly #maxEntries: number
  /** Most calls in a row are about one limit. */
  #latest: { readonly limit: Limit; readonly shelf: Shelf } | undefined
  #size = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  get size(): number {
    return this.#size
  }

  /** Where the state of a subject stands, if it does. */
  find(subject: string, limit: Limit): Cell | undefined {
    if (this.#latest?.limit === limit) return this.#latest.shelf.cells.get(subject)
    const shelf = this.#shelves.get(limit.key)
    if (shelf === undefined) return undefined
    this.#latest = { limit, shelf }
    return shelf.cells.get(subject)
  }

  /** The state that {@link StateTable.find} found, or what is remembered of one that was evicted. */
  read(cell: Cell | undefined, subject: string, limit: Limit, now: number): unknown {
    if (cell !== undefined) return cell.state === CLEARED ? undefined : cell.state
    const forgotten = this.#shelves.get(limit.key)?.forgotten
    const digest = forgotten?.recall(subject, now) ?? 0
    return digest === 0 ? undefined : algorithmOf(limit).restore(digest, limit, now)
  }

  set(subject: string, limit: Limit, state: unknown, now: number): void {
    const shelf = this.#shelfOf(limit)
    const cell = shelf.cells.get(subject)
    if (cell !== undefined) {
      cell.state = state
      return
    }
    shelf.cells.set(subject, { state })
    this.#makeRoom(shelf, now)
  }

  /** Leaves nothing in use, also of what is remembered from an eviction. */
  clear(subject: string, limit: Limit, now: number): void {
    const evicted = this.#shelves.get(limit.key)?.forgotten?.recall(subject, now) ?? 0
    if (evicted > 0) this.set(subject, limit, CLEARED, now)
    else this.#delete(subject, limit.key)
  }

  /** After an insertion: sweeps a little, and evicts when there are too many. */
  #makeRoom(shelf: Shelf, now: number): void {
    this.#size += 1
    for (let i = 0; i < SWEEP; i += 1) this.#dropIfExpired(shelf, this.#advance(shelf), now)
    if (this.#size > this.#maxEntries) this.#evictFrom(this.#largest(), now)
  }

  #delete(subject: string, key: string): void {
    if (this.#shelves.get(key)?.cells.delete(subject)) this.#size -= 1
  }

  #shelfOf(limit: Limit): Shelf {
    const known = this.#shelves.get(limit.key)
    if (known !== undefined) {
      known.limit = limit
      return known
    }
    const cells = new Map<string, Cell>()
    const shelf: Shelf = { limit, cells, hand: cells.entries(), forgotten: undefined }
    this.#shelves.set(limit.key, shelf)
    return shelf
  }

  #advance(shelf: Shelf): readonly [string, Cell] | undefined {
    const step = shelf.hand.next()
    if (step.done !== true) return step.value
    shelf.hand = shelf.cells.entries()
    return undefined
  }

  #dropIfExpired(shelf: Shelf, entry: readonly [string, Cell] | undefined, now: number): boolean {
    if (entry === undefined || entry[1].state === CLEARED) return false
    if (algorithmOf(shelf.limit).expiresAt(entry[1].state, shelf.limit) > now) return false
    this.#delete(entry[0], shelf.limit.key)
    return true
  }

  #evictFrom(shelf: Shelf, now: number): void {
    const { limit } = shelf
    let least: string | undefined
    let leastUsed = Number.POSITIVE_INFINITY
    for (let i = 0; i < SAMPLE; i += 1) {
      const entry = this.#advance(shelf)
      if (this.#dropIfExpired(shelf, entry, now)) return
      if (entry === undefined) continue
      const used = entry[1].state === CLEARED ? 0 : algorithmOf(limit).digest(entry[1].state, limit, now)
      if (used < leastUsed) [least, leastUsed] = [entry[0], used]
    }
    if (least === undefined) return
    shelf.forgotten ??= new MaxSketch(2 * limit.windowMs * 1000, now)
    shelf.forgotten.keep(least, leastUsed, now)
    this.#delete(least, limit.key)
  }

  #largest(): Shelf {
    let largest: Shelf | undefined
    for (const shelf of this.#shelves.values()) {
      if (largest === undefined || shelf.cells.size > largest.cells.size) largest = shelf
    }
    if (largest === undefined) throw new TypeError('a full table has a shelf')
    return largest
  }
}
