import type { Cache, CacheBackend } from '@plinth/cache'
import { createCache, disabledCache, memoryBackend } from '@plinth/cache'
import type { CacheSettings } from '@plinth/cache/config'
import type { Connections } from '../connections.js'
import type { Part } from '../part.js'
import { connectionSteps } from './connection-steps.js'

/** Makes the cache on the backend that the environment chose. */
export async function cachePart(
  settings: CacheSettings,
  context: { readonly connections: Connections },
): Promise<Part<Cache>> {
  const { required } = settings
  if (!settings.enabled) return { name: 'cache', api: disabledCache(), enabled: false, required }
  const { backend, steps, target } = await backendOf(settings, context.connections)
  const cache = createCache({
    backend,
    prefix: settings.prefix,
    ...(settings.version === undefined ? {} : { version: settings.version }),
    ttl: settings.defaultTtlMs,
    ttls: { short: settings.shortTtlMs, long: settings.longTtlMs },
  })
  return {
    name: 'cache',
    api: cache,
    enabled: true,
    required,
    backend: settings.backend,
    ...(target === undefined ? {} : { target }),
    ...steps,
    close: async () => {
      await cache.close()
      await backend.close()
    },
  }
}

interface ChosenBackend {
  readonly backend: CacheBackend
  readonly target?: string
  readonly steps?: Pick<Part, 'start' | 'watch'>
}

async function backendOf(settings: CacheSettings, connections: Connections): Promise<ChosenBackend> {
  if (settings.redis !== undefined) {
    const connection = await connections.redis(settings.redis, 'cache')
    const { redisBackend } = await import('@plinth/cache/redis')
    const facts = { target: connection.target, steps: connectionSteps(connection) }
    if (settings.backend === 'redis') return { backend: redisBackend(connection), ...facts }
    const { tieredBackend } = await import('@plinth/cache/tiered')
    return { backend: tieredBackend(connection), ...facts }
  }
  if (settings.memcached !== undefined) {
    const { memcachedBackend } = await import('@plinth/cache/memcached')
    const connection = await connections.memcached(settings.memcached, 'cache')
    return { backend: memcachedBackend(connection), target: connection.target, steps: connectionSteps(connection) }
  }
  return { backend: memoryBackend() }
}
