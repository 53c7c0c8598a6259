import { compare } from '@plinth/bench'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { printVersions } from './peer-versions.js'
import { missesOnRedis } from './redis-contestant.js'
import { printTarget } from './targets.js'

const value = { id: 42, text: 'x'.repeat(1_000) }

printVersions('ioredis', 'bentocache')
for (const inFlight of [1, 64]) {
  const misses = missesOnRedis(inFlight)
  const [row] = await compare({
    name: `cache: miss and fill in Redis, 1 KB, ${inFlight} in flight`,
    ops: 2_000,
    ours: () =>
      misses(async (server) => {
        const redis = await openRedis({ url: server.url })
        const cache = createCache({ backend: redisBackend(redis), ttl: '1h' })
        return {
          get: (key) => cache.getOrSet(key, () => value),
          close: async () => {
            await cache.close()
            await redis.close()
          },
        }
      }),
    peers: {
      'ioredis get, then set': () =>
        misses(async (server) => {
          const redis = new Redis(server.url)
          return {
            get: async (key) => {
              await redis.get(key)
              await redis.set(key, JSON.stringify(value), 'PX', 3_600_000)
            },
            close: () => redis.disconnect(),
          }
        }),
      bentocache: () =>
        misses(async (server) => {
          const driver = redisDriver({ connection: { host: '127.0.0.1', port: server.port } })
          const cache = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } })
          return {
            get: (key) => cache.getOrSet({ key, factory: () => value, ttl: '1h' }),
            close: () => cache.disconnectAll(),
          }
        }),
    },
  })
  // What is counted besides runs inside the scripts, on the server.
  const trips = row?.oursCounts?.evalsha ?? Number.NaN
  printTarget(`round trips for a miss that is filled, ${inFlight} in flight`, trips, { atMost: 2 })
}
