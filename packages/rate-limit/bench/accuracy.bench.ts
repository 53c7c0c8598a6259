import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { type RedisServer, startMemcached, startRedis } from '@plinth/testing'
import { rateLimit } from 'express-rate-limit'
import { memcachedBackend } from '../src/backends/memcached.js'
import { redisBackend } from '../src/backends/redis.js'
import { createRateLimiter, memoryBackend, type RateLimitBackend } from '../src/index.js'
import {
  expressRedis,
  fastifyRedis,
  flexibleMemory,
  flexibleRedis,
  type Peer,
  type PeerLimit,
  upstashSliding,
} from './peers.js'

/**
 * How many requests a limit of 20 per second really lets through in its worst second.
 *
 * Fails when one of ours exceeds its bound. `--write` writes docs/rate-limit-accuracy.md.
 */
const limit: PeerLimit = { quota: 20, seconds: 1 }
const ROUNDS = process.env.PLINTH_BENCH_QUICK === '1' ? 2 : 12
/** Answers arrive a little late, some more than others: that much of a window is given away to everybody. */
const JITTER_MS = 25

interface Contestant {
  readonly name: string
  /** What it is said to admit in its worst second. */
  readonly bound: string
  readonly most: number
  readonly open: (redis: RedisServer, memcached: string) => Peer | Promise<Peer>
}

const versionOf = (name: string): string => {
  let folder = createRequire(import.meta.url).resolve(name)
  while (!folder.endsWith(name)) folder = folder.slice(0, folder.lastIndexOf('/'))
  return (JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as { readonly version: string }).version
}
const peer = (name: string, what: string, bound: string, most: number, open: (url: string) => Peer): Contestant => ({
  name: `${name} ${versionOf(name)}, ${what}`,
  bound,
  most,
  open: ({ url }) => open(url),
})

const ours = (algorithm: string, where: 'memory' | 'redis' | 'memcached', bound: string, most: number): Contestant => ({
  name: `@plinth/rate-limit, ${where}, ${algorithm}`,
  bound,
  most,
  async open({ url }, servers) {
    const { backend, close } = await backendOn(where, url, servers)
    const policies = { api: { limits: [`20/1s ${algorithm}`] } }
    const limiter = createRateLimiter({ backend, policies, deadline: '1s' })
    return { charge: async (key) => (await limiter.check('api', key)).allowed, close: () => void close() }
  },
})

async function backendOn(
  where: 'memory' | 'redis' | 'memcached',
  url: string,
  servers: string,
): Promise<{ readonly backend: RateLimitBackend; readonly close: () => unknown }> {
  if (where === 'memory') return { backend: memoryBackend(), close: () => {} }
  if (where === 'redis') {
    const redis = await openRedis({ url })
    return { backend: redisBackend(redis), close: () => redis.close() }
  }
  const memcached = openMemcached({ servers })
  await memcached.whenReady()
  return { backend: memcachedBackend(memcached), close: () => memcached.close() }
}

/** `express-rate-limit` with its memory store. */
function expressMemory(): Peer {
  const { quota, seconds } = limit
  let key = ''
  const middleware = rateLimit({
    windowMs: seconds * 1000,
    limit: quota,
    keyGenerator: () => key,
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
    handler: (_request, response) => void response.end(),
  })
  const charge = async (asked: string): Promise<boolean> => {
    key = asked
    let isAdmitted = false
    const response = { end: () => {} }
    await middleware({} as never, response as never, () => {
      isAdmitted = true
    })
    return isAdmitted
  }
  return { charge, close: () => {} }
}

const TWICE = 'N, 2N across a boundary'
const SLIDING = 'N(1 + t/W)'
const contestants: readonly Contestant[] = [
  ours('strict', 'redis', 'N', 20),
  ours('strict', 'memcached', 'N', 20),
  ours('strict', 'memory', 'N', 20),
  ours('sliding', 'redis', SLIDING, 40),
  ours('sliding', 'memcached', SLIDING, 40),
  ours('gcra burst 5', 'redis', 'burst + N', 25),
  ours('gcra', 'redis', '2N (burst N)', 40),
  ours('fixed', 'redis', TWICE, 40),
  peer('rate-limiter-flexible', 'Redis', TWICE, 40, (url) => flexibleRedis(url, limit)),
  peer('rate-limiter-flexible', 'memory', TWICE, 40, () => flexibleMemory(limit)),
  peer('rate-limit-redis', 'Redis', TWICE, 40, (url) => expressRedis(url, limit)),
  peer('express-rate-limit', 'memory', TWICE, 40, expressMemory),
  peer('@fastify/rate-limit', 'Redis', TWICE, 40, (url) => fastifyRedis(url, limit)),
  peer('@upstash/ratelimit', 'its sliding window on Redis', SLIDING, 40, (url) => upstashSliding(url, limit)),
]

/** When somebody was admitted who asks once, waits for most of a window, and then asks as often as he can. */
async function flood({ charge }: Peer, key: string): Promise<readonly number[]> {
  const admitted: number[] = []
  const ask = async (): Promise<void> => {
    if (await charge(key)) admitted.push(performance.now())
  }
  await ask()
  await sleep(limit.seconds * (850 + Math.random() * 140))
  const end = performance.now() + 1.6 * limit.seconds * 1000
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await ask()
      await sleep(2)
    }
  }
  await Promise.all([lane(), lane(), lane(), lane()])
  return admitted
}

function worstSecond(admitted: readonly number[]): number {
  const length = limit.seconds * 1000 - JITTER_MS
  return Math.max(...admitted.map((from) => admitted.filter((at) => at >= from && at < from + length).length))
}

const [redis, memcached] = [await startRedis(), await startMemcached()]
const rows = await Promise.all(
  contestants.map(async ({ name, bound, most, open }, i) => {
    const opened = await open(redis, `127.0.0.1:${memcached.port}`)
    const worst: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) worst.push(worstSecond(await flood(opened, `u${i}-${round}`)))
    opened.close()
    return { name, bound, most, worst: Math.max(...worst) }
  }),
)
await redis.close()
await memcached.close()

/** Ours are to keep what they promise; what peers admit is shown beside it. */
const isOurs = ({ name }: { readonly name: string }): boolean => name.startsWith('@plinth/')
const targetOf = (row: (typeof rows)[number]): string =>
  isOurs(row) ? `at most ${row.most}: ${row.worst <= row.most ? 'met' : 'NOT MET'}` : ''
const table = [
  '| limiter, 20 per second | admitted in its worst second | of the limit | its bound | target |',
  '| --- | --- | --- | --- | --- |',
  ...rows.map((row) => {
    const share = Math.round((100 * row.worst) / limit.quota)
    return `| ${row.name} | ${row.worst} | ${share} % | ${row.bound} | ${targetOf(row)} |`
  }),
].join('\n')
console.log(table)

if (process.argv.includes('--write')) {
  writeFileSync(
    new URL('../../../docs/rate-limit-accuracy.md', import.meta.url),
    `# Rate limits: how many really come through

The most that each limiter admitted in any second, with a limit of 20 per second, against somebody who knows how it counts: he asks
once, waits until the window is nearly over, and then asks as fast as he can. ${ROUNDS} rounds each, real servers, the worst of them.
\`pnpm bench rate-limit:accuracy\` runs it again and fails when ours is above its bound; this page is what it writes with \`--write\`.

${table}

- "Admitted in its worst second" is measured from outside, by when answers arrived; ${JITTER_MS} ms of each second are left out, because some arrive late.
- A window that begins with the first request, or with the clock, admits nearly twice its limit around its end. That is no fault of
  one library but what counting that way means; [which algorithm](guides/rate-limit-algorithms.md) says what each of ours means.
- N is the limit, W its window, t any stretch of time up to W. The bounds of ours are tested as properties in every interval, on every
  backend (\`packages/rate-limit/test/backends/bounds.test.ts\`), and by four processes with eight connections each (\`race.test.ts\`).
- Not in the table, because it cannot be run against a server of one's own: the cached fixed window of @upstash/ratelimit.
`,
  )
}
const broken = rows.filter((row) => isOurs(row) && row.worst > row.most)
for (const { name, worst, most } of broken) console.error(`${name} admitted ${worst}, at most ${most} are allowed`)
process.exit(broken.length === 0 ? 0 : 1) // clients of peers that cannot be ended would keep it
