import { type Contestant, compare } from '@plinth/bench'
import { openRedis } from '@plinth/core/redis'
import { startRedis } from '@plinth/testing'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter, memoryBackend } from '../src/index.js'
import { chargeOneKey, isAllowed } from './load.js'
import { type Charge, flexibleMemory } from './peers.js'

/** Refused calls on one key: ours remembers refusals exactly, and the peer for as long as its own option says. */
async function ourFlood(): Promise<Contestant> {
  const server = await startRedis()
  const connection = await openRedis({ url: server.url })
  const backend = redisBackend(connection)
  const asked = { allowed: 0, 'store operations': 0 }
  const limiter = createRateLimiter({
    backend: {
      ...{ name: backend.name, remote: true, blocksNobody: false, available: true },
      refuses: (...order) => backend.refuses(...order),
      decide: (...order) => {
        asked['store operations'] += 1
        return backend.decide(...order)
      },
      adjust: (...order) => backend.adjust(...order),
      block: (...order) => backend.block(...order),
      reset: (...order) => backend.reset(...order),
    },
    policies: { api: { limits: ['5/1h'] } },
    deadline: '10s',
  })
  const charge: Charge = async (key) => {
    const { allowed } = await limiter.check('api', key)
    if (allowed) asked.allowed += 1
    return allowed
  }
  const close = async (): Promise<void> => {
    await limiter.close()
    await connection.close()
    await server.close()
  }
  return { run: (ops) => chargeOneKey(charge, ops), counts: async () => ({ ...asked }), close }
}

async function peerFlood(): Promise<Contestant> {
  const server = await startRedis()
  const client = new Redis(server.url)
  const limiter = new RateLimiterRedis({ storeClient: client, points: 5, duration: 3600, inMemoryBlockOnConsumed: 5 })
  const charge: Charge = (key) =>
    limiter.consume(key).then(
      () => true,
      () => false,
    )
  const close = async (): Promise<void> => {
    client.disconnect()
    await server.close()
  }
  return { run: (ops) => chargeOneKey(charge, ops), close }
}

/** Refused calls that are to be answered in a second. */
const TARGET = 1_000_000

const [flood] = await compare({
  name: 'rate-limit: flood, 1,000,000 refused calls on one key',
  ours: ourFlood,
  peers: { 'rate-limiter-flexible, inMemoryBlockOnConsumed': peerFlood },
  ops: 1_000_000,
})
const perSecond = Math.round(flood?.oursPerSecond ?? 0)
console.log(
  `refused in a second: ${perSecond.toLocaleString('en-US')}, target ${TARGET.toLocaleString('en-US')}: ${perSecond >= TARGET ? 'met' : 'NOT MET'}\n`,
)

/** Every call about a key that was never seen. The peer keeps them all, with a timer each. */
function distinctKeys(charge: Charge): (ops: number) => Promise<void> {
  let key = 0
  return async (ops) => {
    for (let i = 0; i < ops; i += 1) {
      key += 1
      await charge(`key ${key}`)
    }
  }
}

await compare({
  name: 'rate-limit: flood, distinct keys in memory (1,000,000 and more in all)',
  ours: () => {
    const backend = memoryBackend()
    const limiter = createRateLimiter({ backend, policies: { api: { limits: ['5/1h'] } } })
    const run = distinctKeys((key) => limiter.check('api', key).then(isAllowed))
    return { run, close: () => console.log(`states kept: ${backend.size.toLocaleString('en-US')}`) }
  },
  peers: {
    'rate-limiter-flexible': () => ({ run: distinctKeys(flexibleMemory({ quota: 5, seconds: 3600 }).charge) }),
  },
  ops: 160_000,
})
