import type { AvailabilityChange } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { CacheBackend, CacheStore } from '../cache-backend.js'
import { CacheOptionError } from '../cache-errors.js'
import { type MemoryBackendOptions, memoryBackend } from './memory/memory.js'
import { RedisKeys } from './redis/redis-keys.js'
import { redisBackend } from './redis.js'
import type { ServerDeadline } from './server-deadline.js'
import { ClusterTracking } from './tiered/cluster-tracking.js'
import type { Coherence, CoherenceListener } from './tiered/coherence.js'
import { TieredStore } from './tiered/tiered-store.js'
import { Tracking } from './tiered/tracking.js'

/** Options of {@link tieredBackend}: the bounds of the copies in this process, and the deadline of Redis. */
export interface TieredBackendOptions extends MemoryBackendOptions, ServerDeadline {}

/**
 * Keeps entries in Redis, and copies of what this process read in its memory.
 *
 * Redis (6.2 or newer; single server, Sentinel or Cluster) tells every process of every change, so a copy is dropped as soon as the message is
 * there: within a round trip, usually far below a millisecond. What a process invalidates itself it never serves again. While the
 * messages are not heard (a lost connection, a server that cannot track) there are no copies. A connection that breaks without a sign, and
 * slots of a Cluster that go to a new node, are noticed within two seconds: for that long, at most, another process may serve a copy of
 * what was invalidated.
 */
export function tieredBackend(connection: RedisConnection, options: TieredBackendOptions = {}): CacheBackend {
  if (typeof connection?.run !== 'function') {
    throw new CacheOptionError('tieredBackend needs a connection: tieredBackend(await openRedis({ url })).')
  }
  const { deadline = 500, ...bounds } = options
  return new TieredBackend(connection, memoryBackend(bounds), redisBackend(connection, { deadline }))
}

class TieredBackend implements CacheBackend {
  readonly name = 'tiered'
  readonly connection: RedisConnection
  readonly #near: CacheBackend
  readonly #far: CacheBackend
  readonly #stores = new Map<string, { readonly store: CacheStore; readonly tracking: Coherence }>()

  constructor(connection: RedisConnection, near: CacheBackend, far: CacheBackend) {
    this.connection = connection
    this.#near = near
    this.#far = far
  }

  get target(): string {
    return this.connection.target
  }

  get available(): boolean {
    return this.#far.available
  }

  open(namespace: string): CacheStore {
    const known = this.#stores.get(namespace)
    if (known !== undefined) return known.store
    const { entryPrefix, guardPrefix } = new RedisKeys(namespace)
    const store = new TieredStore(this.#near.open(namespace), this.#far.open(namespace), () => tracking.live)
    const tracking = this.#track([entryPrefix, guardPrefix], {
      changed: (names) =>
        store.changed(
          names.filter((name) => name.startsWith(entryPrefix)).map((name) => name.slice(entryPrefix.length)),
          names.filter((name) => name.startsWith(guardPrefix)).map((name) => name.slice(guardPrefix.length)),
        ),
      lost: () => store.drop(),
    })
    this.#stores.set(namespace, { store, tracking })
    return store
  }

  ping(): Promise<void> {
    return this.#far.ping()
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#far.onChange(listener)
  }

  async close(): Promise<void> {
    for (const { tracking } of this.#stores.values()) tracking.close()
    this.#stores.clear()
    await Promise.all([this.#near.close(), this.#far.close()])
  }

  #track(prefixes: readonly string[], listener: CoherenceListener): Coherence {
    const { client } = this.connection
    if ('nodes' in client) return new ClusterTracking(this.connection, client, prefixes, listener)
    return new Tracking(this.connection.dedicated({ protocol: 2, resubscribe: false }), prefixes, listener)
  }
}
