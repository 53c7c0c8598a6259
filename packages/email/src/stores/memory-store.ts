import { type Clock, systemClock } from '@plinth/core'
import type { EmailStore } from './email-store.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many keys it keeps; the one untouched for longest goes first. Default 100 000. */
  readonly limit?: number
  readonly clock?: Clock
}

/** A store in this process: for one process, tests, and as what a mailer falls back to. No timers. */
export function memoryStore(options: MemoryStoreOptions = {}): EmailStore {
  return new MemoryStore(options.limit ?? 100_000, options.clock ?? systemClock)
}

interface Entry {
  readonly value: string
  readonly expiresAt: number
}

class MemoryStore implements EmailStore {
  readonly #limit: number
  readonly #clock: Clock
  /** In the order of last use, oldest first. */
  readonly #entries = new Map<string, Entry>()

  constructor(limit: number, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  async add(key: string, value: string, ttlMs: number): Promise<boolean> {
    if (this.#read(key) !== undefined) return false
    this.#write(key, value, ttlMs)
    return true
  }

  async get(key: string): Promise<string | undefined> {
    return this.#read(key)
  }

  async set(key: string, value: string, ttlMs?: number): Promise<void> {
    this.#write(key, value, ttlMs)
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key)
  }

  #read(key: string): string | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.expiresAt <= this.#clock.elapsed()) return undefined
    this.#entries.set(key, entry)
    return entry.value
  }

  #write(key: string, value: string, ttlMs: number | undefined): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, expiresAt: this.#clock.elapsed() + (ttlMs ?? Number.POSITIVE_INFINITY) })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break
      this.#entries.delete(oldest)
    }
  }
}
