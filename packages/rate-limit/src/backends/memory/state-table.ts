import { algorithmOf } from '../../algorithms/algorithms.js'
import type { Limit } from '../../limit.js'
import { MaxSketch } from './max-sketch.js'

/** How many entries an insertion looks at for expired ones, and an eviction for the least used. */
const SWEEP = 2
const SAMPLE = 8

/** Stands where an upper bound is remembered that no longer holds. */
const CLEARED = Symbol('cleared')

/** The states of one limit, by subject. */
interface Shelf {
  limit: Limit
  readonly states: Map<string, unknown>
  /** Where the sweep stands; a Map's iterator survives insertions and deletions. */
  hand: Iterator<[string, unknown]>
  /** What was evicted; absent until something was. */
  forgotten: MaxSketch | undefined
}

/** States by limit and subject, bounded: what does not fit is remembered as an upper bound. */
export class StateTable {
  readonly #shelves = new Map<string, Shelf>()
  readonly #maxEntries: number
  #size = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  get size(): number {
    return this.#size
  }

  get(subject: string, limit: Limit, now: number): unknown {
    const shelf = this.#shelves.get(limit.key)
    if (shelf === undefined) return undefined
    const state = shelf.states.get(subject)
    if (state === CLEARED) return undefined
    if (state !== undefined || shelf.forgotten === undefined) return state
    const digest = shelf.forgotten.recall(subject, now)
    return digest === 0 ? undefined : algorithmOf(limit).restore(digest, limit, now)
  }

  set(subject: string, limit: Limit, state: unknown, now: number): void {
    const shelf = this.#shelfOf(limit)
    const before = shelf.states.size
    shelf.states.set(subject, state)
    if (shelf.states.size === before) return
    this.#size += 1
    for (let i = 0; i < SWEEP; i += 1) this.#dropIfExpired(shelf, this.#advance(shelf), now)
    if (this.#size > this.#maxEntries) this.#evictFrom(this.#largest(), now)
  }

  /** Leaves nothing in use, also of what is remembered from an eviction. */
  clear(subject: string, limit: Limit, now: number): void {
    const evicted = this.#shelves.get(limit.key)?.forgotten?.recall(subject, now) ?? 0
    if (evicted > 0) this.set(subject, limit, CLEARED, now)
    else this.#delete(subject, limit.key)
  }

  #delete(subject: string, key: string): void {
    if (this.#shelves.get(key)?.states.delete(subject)) this.#size -= 1
  }

  #shelfOf(limit: Limit): Shelf {
    const known = this.#shelves.get(limit.key)
    if (known !== undefined) {
      known.limit = limit
      return known
    }
    const states = new Map<string, unknown>()
    const shelf: Shelf = { limit, states, hand: states.entries(), forgotten: undefined }
    this.#shelves.set(limit.key, shelf)
    return shelf
  }

  #advance(shelf: Shelf): readonly [string, unknown] | undefined {
    const step = shelf.hand.next()
    if (step.done !== true) return step.value
    shelf.hand = shelf.states.entries()
    return undefined
  }

  #dropIfExpired(shelf: Shelf, entry: readonly [string, unknown] | undefined, now: number): boolean {
    if (entry === undefined || entry[1] === CLEARED) return false
    if (algorithmOf(shelf.limit).expiresAt(entry[1], shelf.limit) > now) return false
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
      const used = entry[1] === CLEARED ? 0 : algorithmOf(limit).digest(entry[1], limit, now)
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
      if (largest === undefined || shelf.states.size > largest.states.size) largest = shelf
    }
    if (largest === undefined) throw new TypeError('a full table has a shelf')
    return largest
  }
}
