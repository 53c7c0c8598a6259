import type { MemoryEntry } from './memory-entry.js'
import { Sieve } from './sieve.js'

/** All entries of a memory backend, whatever their namespace, bounded together by number and by bytes. */
export class EntryPool {
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #sieve = new Sieve<MemoryEntry>()
  #entries = 0
  #bytes = 0

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
  }

  get entries(): number {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes an entry in, and evicts what no longer fits. An entry larger than everything is the one that goes. */
  add(entry: MemoryEntry, now: number): void {
    if (entry.size > this.#maxBytes) {
      entry.owner.drop(entry)
      return
    }
    this.#entries++
    this.#bytes += entry.size
    while (this.#entries > this.#maxEntries || this.#bytes > this.#maxBytes) {
      const victim = this.#sieve.victim((candidate) => !candidate.usable(now))
      if (victim === undefined) break
      this.remove(victim)
      victim.owner.drop(victim)
    }
    this.#sieve.add(entry)
  }

  remove(entry: MemoryEntry): void {
    this.#entries--
    this.#bytes -= entry.size
    this.#sieve.remove(entry)
  }
}
