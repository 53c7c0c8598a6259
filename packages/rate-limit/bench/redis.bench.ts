import { compare } from '@plinth/bench'
import { chargeKeys, chargeOneKey } from './load.js'
import { bareRoundTrip, expressRedis, fastifyRedis, flexibleRedis, upstashSliding } from './peers.js'
import { type Load, oursOn, peerOn } from './redis-contestants.js'

/** One limit that admits all: what a request pays. Peers know windows only; upstash's is sliding, the others' fixed. */
const limit = { quota: 1_000_000_000, seconds: 60 }

const peersUnder = (load: Load) => ({
  'rate-limiter-flexible': () => peerOn((url) => flexibleRedis(url, limit), load),
  'rate-limit-redis': () => peerOn((url) => expressRedis(url, limit), load),
  '@fastify/rate-limit': () => peerOn((url) => fastifyRedis(url, limit), load),
  '@upstash/ratelimit': () => peerOn((url) => upstashSliding(url, limit), load),
})

for (const [inFlight, ops] of [
  [1, 2000],
  [16, 8000],
  [64, 8000],
] as const) {
  const load = chargeKeys(inFlight)
  await compare({
    name: `rate-limit: redis, one limit, sliding, ${inFlight} in flight`,
    ours: () => oursOn(['1000000000/1m'], load),
    peers: peersUnder(load),
    ops,
    target: 1.1,
  })
}

await compare({
  name: 'rate-limit: redis, one limit, sliding, 1 in flight, beside a PING',
  ours: () => oursOn(['1000000000/1m'], chargeKeys(1)),
  peers: {
    'a bare PING': () => peerOn(bareRoundTrip, chargeKeys(1)),
  },
  ops: 2000,
})

const narrow = { quota: 5, seconds: 3600 }
await compare({
  name: 'rate-limit: redis, denied, 1 key',
  ours: () => oursOn(['5/1h'], chargeOneKey),
  peers: { 'rate-limiter-flexible': () => peerOn((url) => flexibleRedis(url, narrow), chargeOneKey) },
  ops: 3000,
})
