import { compare } from '@plinth/bench'
import { closeSharedServers, sharedRedis, startRedis, tcpProxy } from '@plinth/testing'
import { openMemcached } from '../src/memcached/index.js'
import { openRedis, type RedisConnection } from '../src/redis/index.js'

/**
 * What an outage costs a caller: a refused call beside no call at all, the gate of a healthy connection beside the bare
 * client, and the time to the first answers when a server falls silent.
 */
async function awayRedis(): Promise<RedisConnection> {
  const server = await startRedis()
  const redis = await openRedis({ url: server.url })
  await server.close()
  await redis.run((client) => client.ping()).catch(() => {})
  return redis
}

const callsWhileAway = async (redis: { get(): Promise<unknown> }, ops: number): Promise<void> => {
  for (let count = 0; count < ops; count += 1) await redis.get().catch(() => undefined)
}

await compare({
  name: 'core: a call while Redis is away',
  ops: 20_000,
  ours: async () => {
    const redis = await awayRedis()
    const get = () => redis.run((client) => client.get('a'))
    return { run: (ops) => callsWhileAway({ get }, ops), close: () => redis.close() }
  },
  peers: {
    'disabled component': { run: (ops) => callsWhileAway({ get: async () => undefined }, ops) },
  },
})

await compare({
  name: 'core: a call while Memcached is away',
  ops: 20_000,
  ours: () => {
    const memcached = openMemcached({ servers: '127.0.0.1:1' })
    return { run: (ops) => callsWhileAway({ get: () => memcached.get('a') }, ops), close: () => memcached.close() }
  },
  peers: {
    'disabled component': { run: (ops) => callsWhileAway({ get: async () => undefined }, ops) },
  },
})

const url = await sharedRedis()

await compare({
  name: 'core: GET through the gate',
  ops: 5_000,
  ours: async () => {
    const redis = await openRedis({ url })
    return {
      run: (ops) => callsWhileAway({ get: () => redis.run((client) => client.get('a')) }, ops),
      close: () => redis.close(),
    }
  },
  peers: {
    'bare ioredis': async () => {
      const redis = await openRedis({ url })
      return { run: (ops) => callsWhileAway({ get: () => redis.client.get('a') }, ops), close: () => redis.close() }
    },
  },
})

await firstAnswers()
await closeSharedServers()

/** Prints how long each of the first calls takes when the server falls silent: the deadline until the breaker opens, then nothing. */
async function firstAnswers(): Promise<void> {
  const deadlineMs = 100
  const server = await startRedis()
  const proxy = await tcpProxy(server)
  const redis = await openRedis({ url: proxy.url })
  await proxy.blackHole()
  const took: number[] = []
  for (let count = 0; count < 200; count += 1) {
    const began = performance.now()
    await redis.run((client) => client.get('a'), { deadlineMs }).catch(() => {})
    took.push(performance.now() - began)
  }
  const late = Math.max(...took) - deadlineMs
  const open = took.slice(10).toSorted((a, b) => a - b)
  const p99 = open[Math.floor(open.length * 0.99)] ?? 0
  console.log(
    `core: black hole, deadline ${deadlineMs} ms: worst answer ${late.toFixed(1)} ms after it; breaker open: p99 ${p99.toFixed(3)} ms`,
  )
  await redis.close()
  await proxy.close()
  await server.close()
}
