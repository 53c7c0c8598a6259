import type { AvailabilityChange } from '@plinth/core'
import type { MemcachedConnection } from '@plinth/core/memcached'
import type { Cache } from '../cache.js'
import type { CacheBackend, CacheStore } from '../cache-backend.js'
import { CacheOptionError } from '../cache-errors.js'
import { CellStore } from './cells/cell-store.js'
import { MemcachedCells } from './memcached/memcached-cells.js'
import { type ServerDeadline, serverDeadlineMs } from './server-deadline.js'

/** Options of {@link memcachedBackend}. */
export interface MemcachedBackendOptions extends ServerDeadline {}

/**
 * Keeps entries in one or more Memcached servers. They cannot list their keys: deleting by pattern throws
 * `PatternMatchingNotSupportedError`; by prefix and tag it works as everywhere.
 *
 * The connection is lent: closing the backend leaves it open.
 */
export function memcachedBackend(connection: MemcachedConnection, options: MemcachedBackendOptions = {}): CacheBackend {
  if (typeof connection?.getVersioned !== 'function') {
    throw new CacheOptionError('memcachedBackend needs a connection: memcachedBackend(openMemcached({ servers })).')
  }
  const deadlineMs = serverDeadlineMs(options, 'memcached')
  return new MemcachedBackend(connection, deadlineMs)
}

/** The connection of a cache on Memcached; `undefined` for any other cache. */
export function memcachedConnectionOf(cache: Cache): MemcachedConnection | undefined {
  const { connection } = cache
  return connection !== undefined && 'getVersioned' in connection ? (connection as MemcachedConnection) : undefined
}

class MemcachedBackend implements CacheBackend {
  readonly name = 'memcached'
  readonly connection: MemcachedConnection
  readonly #deadlineMs: number

  constructor(connection: MemcachedConnection, deadlineMs: number) {
    this.connection = connection
    this.#deadlineMs = deadlineMs
  }

  get target(): string {
    return this.connection.target
  }

  get available(): boolean {
    return this.connection.available
  }

  open(namespace: string): CacheStore {
    return new CellStore(new MemcachedCells(this.connection, namespace, this.#deadlineMs))
  }

  async ping(): Promise<void> {
    await this.connection.stats({ deadlineMs: this.#deadlineMs })
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.connection.onChange(listener)
  }

  async close(): Promise<void> {}
}
