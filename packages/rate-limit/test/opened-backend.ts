import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { memcachedBackend } from '../src/backends/memcached.js'
import { redisBackend } from '../src/backends/redis.js'
import type { RateLimitBackend } from '../src/rate-limit-backend.js'

/** A backend on a connection of its own. */
export interface OpenedBackend {
  readonly backend: RateLimitBackend
  readonly close: () => Promise<void>
}

/** Opens a backend that is ready. `kind`: `redis`, `cluster` or `memcached`. */
export async function openedBackend(kind: string, address: string, prefix: string): Promise<OpenedBackend> {
  if (kind === 'memcached') {
    const memcached = openMemcached({ servers: address })
    await memcached.whenReady()
    return { backend: memcachedBackend(memcached, { prefix }), close: () => memcached.close() }
  }
  const redis = await openRedis(kind === 'cluster' ? { cluster: [new URL(address).host] } : { url: address })
  return { backend: redisBackend(redis, { prefix }), close: () => redis.close() }
}
