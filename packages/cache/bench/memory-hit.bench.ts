import { type CacheEntry, cachified } from '@epic-web/cachified'
import { type Contestant, compare } from '@plinth/bench'
import { createCache, memoryBackend } from '@plinth/cache'
import { createCache as createDedupe } from 'async-cache-dedupe'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache as createManager } from 'cache-manager'
import { Cacheable } from 'cacheable'
import { Loader } from 'layered-loader'
import { LRUCache } from 'lru-cache'
import { printVersions } from './peer-versions.js'
import { printTarget, timesAsFastAs } from './targets.js'

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)
const HOUR = 3_600_000
const load = () => ({ id: 42, name: 'Ada', email: 'ada@example.com', active: true })

/** One hit after the other on a thousand keys that are all there. */
function hits(get: (key: string) => unknown): Contestant {
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) await get(KEYS[index % KEYS.length] as string)
    },
  }
}

printVersions(
  'lru-cache',
  'bentocache',
  'cacheable',
  'cache-manager',
  'async-cache-dedupe',
  '@epic-web/cachified',
  'layered-loader',
)
const LRU = 'lru-cache (get only)'
const rows = await compare({
  name: 'cache: hit in memory (getOrSet)',
  ops: 100_000,
  ours: () => {
    const cache = createCache({ backend: memoryBackend(), ttl: HOUR })
    return hits((key) => cache.getOrSet(key, load))
  },
  peers: {
    [LRU]: () => {
      const lru = new LRUCache<string, object>({ max: 10_000 })
      for (const key of KEYS) lru.set(key, load())
      return hits((key) => lru.get(key))
    },
    bentocache: () => {
      const store = bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }))
      const bento = new BentoCache({ default: 'memory', stores: { memory: store } })
      return hits((key) => bento.getOrSet({ key, factory: load, ttl: '1h' }))
    },
    cacheable: () => {
      const cacheable = new Cacheable()
      return hits((key) => cacheable.getOrSet(key, async () => load(), { ttl: HOUR }))
    },
    'cache-manager': () => {
      const manager = createManager()
      return hits((key) => manager.wrap(key, async () => load(), HOUR))
    },
    'async-cache-dedupe': () => {
      const dedupe = createDedupe({ ttl: 3_600, storage: { type: 'memory' } }).define('user', async (_key: string) =>
        load(),
      )
      return hits((key) => dedupe.user(key))
    },
    cachified: () => {
      const cache = new LRUCache<string, CacheEntry>({ max: 10_000 })
      return hits((key) => cachified({ key, cache, ttl: HOUR, getFreshValue: load }))
    },
    'layered-loader': () => {
      const loader = new Loader<object>({
        inMemoryCache: { cacheId: 'users', ttlInMsecs: HOUR, maxItems: 10_000 },
        dataSourceGetOneFn: async () => load(),
      })
      return hits((key) => loader.get(key))
    },
  },
})
printTarget('a hit in memory (getOrSet), times the cost of await lru.get(key)', 1 / timesAsFastAs(rows, LRU), {
  atMost: 2.5,
})
printTarget('a hit in memory, times as fast as bentocache', timesAsFastAs(rows, 'bentocache'), { atLeast: 8 })
