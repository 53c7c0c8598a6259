import { type Contestant, commandCounts, compare } from '@plinth/bench'
import { createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { type RedisServer, startRedis } from '@plinth/testing'
import { BentoCache, bentostore } from 'bentocache'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'

const KEYS = Array.from({ length: 1_000 }, (_, index) => `user:${index}`)
const value = { id: 42, text: 'x'.repeat(1_000) }
const HOUR = 3_600_000

/** Hits on a thousand keys, many in flight. */
async function hits(
  inFlight: number,
  make: (server: RedisServer) => Promise<{ get(key: string): unknown; set(key: string): unknown; close(): unknown }>,
): Promise<Contestant> {
  const server = await startRedis()
  const client = await make(server)
  for (const key of KEYS) await client.set(key)
  return {
    run: async (ops) => {
      let next = 0
      const lane = async (): Promise<void> => {
        while (next < ops) await client.get(KEYS[next++ % KEYS.length] as string)
      }
      await Promise.all(Array.from({ length: inFlight }, lane))
    },
    counts: commandCounts(server),
    close: async () => {
      await client.close()
      await server.close()
    },
  }
}

const ours = (tags: (key: string) => readonly string[]) => async (server: RedisServer) => {
  const redis = await openRedis({ url: server.url })
  const cache = createCache({ backend: redisBackend(redis), ttl: HOUR })
  return {
    get: (key: string) => cache.getOrSet(key, () => value, { tags: tags(key) }),
    set: (key: string) => cache.set(key, value, { tags: tags(key) }),
    close: () => redis.close(),
  }
}

const raw = async (server: RedisServer) => {
  const redis = new Redis(server.url)
  return {
    get: async (key: string) => JSON.parse((await redis.get(key)) ?? ''),
    set: (key: string) => redis.set(key, JSON.stringify(value)),
    close: () => redis.disconnect(),
  }
}

const bento = async (server: RedisServer) => {
  const driver = redisDriver({ connection: { host: '127.0.0.1', port: server.port } })
  const cache = new BentoCache({ default: 'redis', stores: { redis: bentostore().useL2Layer(driver) } })
  return {
    get: (key: string) => cache.getOrSet({ key, factory: () => value, ttl: '1h' }),
    set: (key: string) => cache.set({ key, value, ttl: '1h' }),
    close: () => cache.disconnectAll(),
  }
}

for (const inFlight of [1, 64]) {
  const scenario = `cache: hit in Redis, 1 KB, ${inFlight} in flight`
  await compare({
    name: scenario,
    ops: 10_000,
    ours: () =>
      hits(
        inFlight,
        ours(() => []),
      ),
    peers: { 'ioredis get + JSON.parse': () => hits(inFlight, raw), bentocache: () => hits(inFlight, bento) },
  })
  await compare({
    name: `${scenario}, three tags`,
    ops: 10_000,
    ours: () =>
      hits(
        inFlight,
        ours((key) => ['users', 'people', key]),
      ),
    peers: { 'ioredis get + JSON.parse': () => hits(inFlight, raw) },
  })
}
