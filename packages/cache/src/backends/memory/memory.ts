import type { Bytes } from '@plinth/config/units'
import { type Clock, systemClock } from '@plinth/core'
import type { CacheBackend, CacheStore } from '../../cache-backend.js'
import { CacheOptionError } from '../../cache-errors.js'
import { positiveBytes, refuseUnknown } from '../../option-checks.js'
import { EntryPool } from './entry-pool.js'
import { MemoryStore } from './memory-store.js'

const KNOWN: ReadonlySet<string> = new Set(['maxEntries', 'maxBytes', 'clock'])

/** Bounds of {@link memoryBackend}; all caches on one backend share them. */
export interface MemoryBackendOptions {
  /** Default 100,000. */
  readonly maxEntries?: number
  /** An estimate of what entries take, keys and bookkeeping included. Default `'128mb'`. */
  readonly maxBytes?: Bytes
  /** Default: the machine's. */
  readonly clock?: Clock
}

/** A {@link CacheBackend} in this process: nothing to install, nothing to wait for, gone with the process. */
export interface MemoryBackend extends CacheBackend {
  /** How many entries it holds, expired ones that nobody has met yet included. */
  readonly entries: number
  /** Roughly how many bytes they take. */
  readonly bytes: number
}

/**
 * Keeps entries in this process, bounded by number and by bytes, without a timer.
 *
 * What was seen only once is evicted first (SIEVE), so a scan does not wash out what is in use.
 *
 * @throws CacheOptionError for unknown options and bounds that hold nothing.
 */
export function memoryBackend(options: MemoryBackendOptions = {}): MemoryBackend {
  refuseUnknown(options, KNOWN, 'the memory backend')
  const { maxEntries = 100_000, maxBytes = '128mb', clock = systemClock } = options
  if (!(Number.isSafeInteger(maxEntries) && maxEntries > 0)) {
    throw new CacheOptionError('maxEntries of the memory backend must be a whole number above 0.')
  }
  const bytes = positiveBytes(maxBytes, 'maxBytes of the memory backend')
  return new Memory(new EntryPool(maxEntries, bytes), clock)
}

class Memory implements MemoryBackend {
  readonly name = 'memory'
  readonly available = true
  readonly #stores = new Map<string, CacheStore>()
  readonly #pool: EntryPool
  readonly #clock: Clock

  constructor(pool: EntryPool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
  }

  get entries(): number {
    return this.#pool.entries
  }

  get bytes(): number {
    return this.#pool.bytes
  }

  open(namespace: string): CacheStore {
    let store = this.#stores.get(namespace)
    if (store === undefined) {
      store = new MemoryStore(this.#pool, this.#clock)
      this.#stores.set(namespace, store)
    }
    return store
  }

  async ping(): Promise<void> {}

  onChange(): () => void {
    return () => {}
  }

  async close(): Promise<void> {
    this.#stores.clear()
  }
}
