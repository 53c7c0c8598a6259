import { type Contestant, commandCounts, compare } from '@plinth/bench'
import { openRedis } from '@plinth/core/redis'
import { type RedisServer, startRedis } from '@plinth/testing'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter } from '../src/index.js'
import { chargeInParallel, chargeOneKey, isAllowed } from './load.js'
import { expressRedis, fastifyRedis, flexibleRedis, flexibleUnion, type Peer, upstashSliding } from './peers.js'

const wide = { quota: 1_000_000_000, seconds: 60 }
const limits = [wide, { quota: 1_000_000_000, seconds: 3600 }, { quota: 1_000_000_000, seconds: 86_400 }]

/** A peer on a server of its own. */
async function peerOn(make: (url: string) => Peer, load = chargeInParallel): Promise<Contestant> {
  const server = await startRedis()
  const { charge, close } = make(server.url)
  const end = async (): Promise<void> => {
    close()
    await server.close()
  }
  return { run: (ops) => load(charge, ops), counts: commandCounts(server), close: end }
}

/** Our limiter on a server of its own. */
async function ours(policy: 'one' | 'gcra' | 'three' | 'narrow', load = chargeInParallel): Promise<Contestant> {
  const server: RedisServer = await startRedis()
  const connection = await openRedis({ url: server.url })
  const limiter = createRateLimiter({
    backend: redisBackend(connection),
    policies: {
      one: { limits: ['1000000000/1m'] },
      gcra: { limits: ['1000000000/1m gcra'] },
      three: { limits: ['1000000000/1m', '1000000000/1h', '1000000000/1d fixed'] },
      narrow: { limits: ['5/1h'] },
    },
    deadline: '10s',
  })
  const close = async (): Promise<void> => {
    await limiter.close()
    await connection.close()
    await server.close()
  }
  const charge = (key: string): Promise<boolean> => limiter.check(policy, key).then(isAllowed)
  return { run: (ops) => load(charge, ops), counts: commandCounts(server), close }
}

const peersOfOne = {
  'rate-limiter-flexible': () => peerOn((url) => flexibleRedis(url, wide)),
  'rate-limit-redis': () => peerOn((url) => expressRedis(url, wide)),
  '@fastify/rate-limit': () => peerOn((url) => fastifyRedis(url, wide)),
  '@upstash/ratelimit': () => peerOn((url) => upstashSliding(url, wide)),
}

await compare({
  name: 'rate-limit: redis, one limit, sliding',
  ours: () => ours('one'),
  peers: peersOfOne,
  ops: 20_000,
})
await compare({ name: 'rate-limit: redis, one limit, gcra', ours: () => ours('gcra'), peers: peersOfOne, ops: 20_000 })

await compare({
  name: 'rate-limit: redis, three limits in one call',
  ours: () => ours('three'),
  peers: { RateLimiterUnion: () => peerOn((url) => flexibleUnion(url, limits)) },
  ops: 20_000,
})

const narrow = { quota: 5, seconds: 3600 }
await compare({
  name: 'rate-limit: redis, denied, 1 key',
  ours: () => ours('narrow', chargeOneKey),
  peers: { 'rate-limiter-flexible': () => peerOn((url) => flexibleRedis(url, narrow), chargeOneKey) },
  ops: 5000,
})
