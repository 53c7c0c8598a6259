import { type CacheEntry, cachified } from '@epic-web/cachified'
import KeyvRedis from '@keyv/redis'
import { compare } from '@plinth/bench'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import type { RedisServer } from '@plinth/testing'
import { createCache as createDedupe } from 'async-cache-dedupe'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { createCache as createManager } from 'cache-manager'
import { Cacheable, Keyv } from 'cacheable'
import { Redis } from 'ioredis'
import { Loader, RedisCache } from 'layered-loader'
import { printVersions } from './peer-versions.js'
import { type Client, hitsOnRedis } from './redis-contestant.js'
import { printTarget, timesAsFastAs } from './targets.js'

const value = { id: 42, text: 'x'.repeat(1_000) }
const HOUR = 3_600_000

const ours = (tags: (key: string) => readonly string[]) => async (server: RedisServer) => {
  const redis = await openRedis({ url: server.url })
  const cache = createCache({ backend: redisBackend(redis), ttl: HOUR })
  return {
    get: (key: string) => cache.getOrSet(key, () => value, { tags: tags(key) }),
    close: async () => {
      await cache.close()
      await redis.close()
    },
  }
}
const untagged = ours(() => [])
const tagged = ours((key) => ['users', 'people', key])

const raw = async (server: RedisServer): Promise<Client> => {
  const redis = new Redis(server.url)
  return {
    get: async (key) => {
      const text = await redis.get(key)
      return text === null ? redis.set(key, JSON.stringify(value)) : JSON.parse(text)
    },
    close: () => redis.disconnect(),
  }
}

const others: Readonly<Record<string, (server: RedisServer) => Promise<Client>>> = {
  bentocache: async (server) => {
    const driver = redisDriver({ connection: { host: '127.0.0.1', port: server.port } })
    const cache = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } })
    return {
      get: (key) => cache.getOrSet({ key, factory: () => value, ttl: '1h' }),
      close: () => cache.disconnectAll(),
    }
  },
  cacheable: async (server) => {
    const cache = new Cacheable({ primary: new KeyvRedis(server.url) })
    return {
      get: (key) => cache.getOrSet(key, async () => value, { ttl: HOUR }),
      close: () => cache.disconnect(),
    }
  },
  'cache-manager': async (server) => {
    const cache = createManager({ stores: [new Keyv({ store: new KeyvRedis(server.url) })] })
    return { get: (key) => cache.wrap(key, async () => value, HOUR), close: () => cache.disconnect() }
  },
  'async-cache-dedupe': async (server) => {
    const client = new Redis(server.url)
    const cache = createDedupe({ ttl: 3_600, storage: { type: 'redis', options: { client } } }).define(
      'user',
      async (_key: string) => value,
    )
    return { get: (key) => cache.user(key), close: () => client.disconnect() }
  },
  cachified: async (server) => {
    const client = new Redis(server.url)
    const cache = {
      get: async (key: string) => {
        const text = await client.get(key)
        return text === null ? null : (JSON.parse(text) as CacheEntry)
      },
      set: (key: string, entry: CacheEntry) => client.set(key, JSON.stringify(entry), 'PX', HOUR),
      delete: (key: string) => client.del(key),
    }
    return {
      get: (key) => cachified({ key, cache, ttl: HOUR, getFreshValue: () => value }),
      close: () => client.disconnect(),
    }
  },
  'layered-loader': async (server) => {
    const client = new Redis(server.url)
    const loader = new Loader<object>({
      asyncCache: new RedisCache<object>(client, { json: true, ttlInMsecs: HOUR, prefix: 'layered' }),
      dataSourceGetOneFn: async () => value,
    })
    return { get: (key) => loader.get(key), close: () => client.disconnect() }
  },
}

printVersions(
  'ioredis',
  'bentocache',
  'cacheable',
  'cache-manager',
  '@keyv/redis',
  'async-cache-dedupe',
  '@epic-web/cachified',
  'layered-loader',
)
const RAW = 'ioredis get + JSON.parse'
const many = hitsOnRedis(64)
const plain = await compare({
  name: 'cache: hit in Redis, 1 KB, 64 in flight',
  ops: 4_000,
  pairs: 15,
  ours: () => many(untagged),
  peers: {
    [RAW]: () => many(raw),
    ...Object.fromEntries(Object.entries(others).map(([name, make]) => [name, () => many(make)])),
  },
})
const withTags = await compare({
  name: 'cache: hit in Redis, 1 KB, 64 in flight, three tags',
  ops: 4_000,
  pairs: 15,
  ours: () => many(tagged),
  peers: { [RAW]: () => many(raw) },
})
const one = hitsOnRedis(1)
await compare({
  name: 'cache: hit in Redis, 1 KB, 1 in flight',
  ops: 1_000,
  pairs: 15,
  ours: () => one(untagged),
  peers: { [RAW]: () => one(raw) },
})
printTarget(`a hit in Redis, 64 in flight, times as fast as ${RAW}`, timesAsFastAs(plain, RAW), { atLeast: 1 })
printTarget(`the same with three tags`, timesAsFastAs(withTags, RAW), { atLeast: 0.85 })
