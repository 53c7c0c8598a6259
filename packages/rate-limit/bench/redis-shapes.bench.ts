import { compare } from '@plinth/bench'
import { chargeKeys } from './load.js'
import { flexibleRedis, flexibleUnion } from './peers.js'
import { oursOn, peerOn } from './redis-contestants.js'

const quota = 1_000_000_000
const limits = [60, 3600, 86_400].map((seconds) => ({ quota, seconds }))

for (const [inFlight, ops] of [
  [1, 2000],
  [16, 8000],
  [64, 8000],
] as const) {
  const load = chargeKeys(inFlight)
  await compare({
    name: `rate-limit: redis, three limits in one call, ${inFlight} in flight`,
    ours: () => oursOn(['1000000000/1m', '1000000000/1h', '1000000000/1d fixed'], load),
    peers: { RateLimiterUnion: () => peerOn((url) => flexibleUnion(url, limits), load) },
    ops,
    target: 1.8,
  })
  for (const algorithm of ['gcra', 'fixed', 'strict'])
    await compare({
      name: `rate-limit: redis, one limit, ${algorithm}, ${inFlight} in flight`,
      ours: () => oursOn([`1000000000/1m ${algorithm}`], load),
      peers: { 'rate-limiter-flexible': () => peerOn((url) => flexibleRedis(url, { quota, seconds: 60 }), load) },
      ops,
    })
}
