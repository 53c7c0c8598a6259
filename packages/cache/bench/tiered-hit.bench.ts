import KeyvRedis from '@keyv/redis'
import { type Contestant, compare } from '@plinth/bench'
import { createCache, memoryBackend } from '@plinth/cache'
import { tieredBackend } from '@plinth/cache/tiered'
import { openRedis } from '@plinth/core/redis'
import { startRedis } from '@plinth/testing'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Cacheable } from 'cacheable'
import { Redis } from 'ioredis'
import { Loader, RedisCache } from 'layered-loader'
import { printVersions } from './peer-versions.js'
import { printTarget, timesAsFastAs } from './targets.js'

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)
const HOUR = 3_600_000
const load = () => ({ id: 42, name: 'Ada', email: 'ada@example.com', active: true })
const server = await startRedis()

/** One hit after the other on a thousand keys, all of which were read before. */
async function hits(get: (key: string) => unknown, close: () => unknown = () => {}): Promise<Contestant> {
  for (const key of [...KEYS, ...KEYS]) await get(key)
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) await get(KEYS[index % KEYS.length] as string)
    },
    close: async () => {
      await close()
    },
  }
}

printVersions('bentocache', 'cacheable', 'layered-loader', 'ioredis')
const MEMORY = '@plinth/cache in memory alone'
const rows = await compare({
  name: 'cache: hit in memory before Redis (getOrSet)',
  ops: 100_000,
  ours: async () => {
    const redis = await openRedis({ url: server.url })
    const backend = tieredBackend(redis)
    const cache = createCache({ backend, ttl: HOUR })
    return hits(
      (key) => cache.getOrSet(key, load),
      () => Promise.all([cache.close(), backend.close()]).then(() => redis.close()),
    )
  },
  peers: {
    [MEMORY]: () => {
      const cache = createCache({ backend: memoryBackend(), ttl: HOUR })
      return hits((key) => cache.getOrSet(key, load))
    },
    bentocache: () => {
      const driver = redisDriver({ connection: { host: '127.0.0.1', port: server.port } })
      const store = bentostore()
        .useL1Layer(memoryDriver({ maxItems: 10_000 }))
        .useL2Layer(driver)
      const bento = new BentoCache({ default: 'tiered', stores: { tiered: store } })
      return hits(
        (key) => bento.getOrSet({ key, factory: load, ttl: '1h' }),
        () => bento.disconnectAll(),
      )
    },
    cacheable: () => {
      const cacheable = new Cacheable({ secondary: new KeyvRedis(server.url) })
      return hits(
        (key) => cacheable.getOrSet(key, async () => load(), { ttl: HOUR }),
        () => cacheable.disconnect(),
      )
    },
    'layered-loader': () => {
      const redis = new Redis(server.url)
      const loader = new Loader<object>({
        inMemoryCache: { cacheId: 'users', ttlInMsecs: HOUR, maxItems: 10_000 },
        asyncCache: new RedisCache<object>(redis, { json: true, ttlInMsecs: HOUR, prefix: 'layered' }),
        dataSourceGetOneFn: async () => load(),
      })
      return hits(
        (key) => loader.get(key),
        () => redis.disconnect(),
      )
    },
  },
})
await server.close()
printTarget('a hit in tiered, times the cost of one in memory', 1 / timesAsFastAs(rows, MEMORY), { atMost: 2 })
