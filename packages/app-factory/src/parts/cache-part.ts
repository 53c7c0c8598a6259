import type { Cache, CacheBackend } from '@plinth/cache'
import { createCache, disabledCache, memoryBackend } from '@plinth/cache'
import type { CacheSettings } from '@plinth/cache/config'
import type { Connections } from '../connections.js'
import type { Part } from '../part.js'
import { notAvailableYet } from './not-available-yet.js'

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
  })
  return {
    name: 'cache',
    api: cache,
    enabled: true,
    required,
    backend: settings.backend,
    ...(target === undefined ? {} : { target }),
    ...steps,
    close: () => cache.close(),
  }
}

interface ChosenBackend {
  readonly backend: CacheBackend
  readonly target?: string
  readonly steps?: Pick<Part, 'start' | 'watch'>
}

async function backendOf(settings: CacheSettings, connections: Connections): Promise<ChosenBackend> {
  if (settings.backend !== 'memory') throw notAvailableYet('CACHE_BACKEND', settings.backend)
  return { backend: memoryBackend() }
}
