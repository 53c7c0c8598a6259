import type { AvailabilityChange } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { Cache } from '../cache.js'
import type { CacheBackend, CacheStore } from '../cache-backend.js'
import { CacheOptionError } from '../cache-errors.js'
import { CellStore } from './cells/cell-store.js'
import { ClusterCells } from './cluster/cluster-cells.js'
import { RedisStore } from './redis/redis-store.js'
import { type ServerDeadline, serverDeadlineMs } from './server-deadline.js'

/** Options of {@link redisBackend}. */
export interface RedisBackendOptions extends ServerDeadline {}

/**
 * Keeps entries in Redis (6.2 or newer): a single server, Sentinel, or Cluster, as the connection says.
 *
 * The connection is lent: closing the backend leaves it open.
 */
export function redisBackend(connection: RedisConnection, options: RedisBackendOptions = {}): CacheBackend {
  if (typeof connection?.run !== 'function') {
    throw new CacheOptionError('redisBackend needs a connection: redisBackend(await openRedis({ url })).')
  }
  const deadlineMs = serverDeadlineMs(options, 'redis')
  return new RedisBackend(connection, deadlineMs)
}

/** The connection of a cache on Redis or tiered, such as for its `client`; `undefined` for any other cache. */
export function redisConnectionOf(cache: Cache): RedisConnection | undefined {
  const { connection } = cache
  return connection !== undefined && 'run' in connection ? (connection as RedisConnection) : undefined
}

class RedisBackend implements CacheBackend {
  readonly name = 'redis'
  readonly connection: RedisConnection
  readonly #deadlineMs: number
  readonly #stores = new Map<string, CacheStore>()
  readonly #closers: (() => void)[] = []

  constructor(connection: RedisConnection, deadlineMs: number) {
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
    let store = this.#stores.get(namespace)
    if (store === undefined) {
      store = this.#openStore(namespace)
      this.#stores.set(namespace, store)
    }
    return store
  }

  async ping(): Promise<void> {
    await this.connection.run((client) => client.ping(), { deadlineMs: this.#deadlineMs })
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.connection.onChange(listener)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) close()
    this.#stores.clear()
  }

  #openStore(namespace: string): CacheStore {
    if (this.connection.cluster) {
      const cells = new ClusterCells(this.connection, namespace, this.#deadlineMs)
      this.#closers.push(() => cells.close())
      return new CellStore(cells)
    }
    const store = new RedisStore(this.connection, namespace, this.#deadlineMs)
    this.#closers.push(() => store.close())
    return store
  }
}
