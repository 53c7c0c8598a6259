import { type Cache, createCache, PatternMatchingNotSupportedError } from '@plinth/cache'
import { openRedis } from '@plinth/core/redis'
import { openBackend } from './open-backend.js'

/**
 * Reads, writes and invalidates at random, in several lanes. The "database" is a counter in Redis: a writer raises it, invalidates, and only then raises
 * the floor. A reader looks at the floor first: what it then reads may not be below.
 */
const [kind = '', address = '', databaseUrl = '', prefix = '', rounds = '0', marginMs = '0'] = process.argv.slice(2)
const backend = await openBackend(kind, address)
/** Two that share a backend, as two processes share a server: on the memory of this process there are no others. */
const caches = [createCache({ backend, prefix }), createCache({ backend, prefix })] as const
const database = (await openRedis({ url: databaseUrl })).client
const KEYS = ['user:1', 'user:2']
const LANES = 6
const RAISE = `local v = tonumber(redis.call('GET', KEYS[1]) or '0') if tonumber(ARGV[1]) > v then redis.call('SET', KEYS[1], ARGV[1]) end`

let reads = 0
let writes = 0
let stale = 0

const anyCache = (): Cache => caches[chance(0.5) ? 0 : 1]
const chance = (share: number): boolean => Math.random() < share
const moment = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.random() * ms))

async function read(key: string, { onlyStored = false } = {}): Promise<void> {
  const cache = anyCache()
  const floor = Number((await database.get(`${prefix}:floor:${key}`)) ?? 0)
  const options = { tags: ['users', `tag:${key}`], ttl: chance(0.2) ? 5 : '1m', swr: 0 } as const
  const load = async ({ addTags }: { addTags(...tags: string[]): void }): Promise<number> => {
    const row = Number((await database.get(`${prefix}:row:${key}`)) ?? 0)
    await moment(4)
    addTags(`late:${key}`)
    return row
  }
  const value = !onlyStored && chance(0.7) ? await cache.getOrSet(key, load, options) : await cache.get<number>(key)
  if (value !== undefined && value < floor) stale++
  reads++
}

const ways: readonly ((cache: Cache, key: string) => Promise<unknown>)[] = [
  (cache, key) => cache.delete(key),
  (cache, key) => cache.invalidateTags(`tag:${key}`),
  (cache, key) => cache.invalidateTags(`late:${key}`),
  (cache) => cache.deleteByPrefix('user'),
  (cache) => cache.clear(),
  (cache) =>
    cache.deleteMatching('user:*').catch(async (error: unknown) => {
      if (!(error instanceof PatternMatchingNotSupportedError)) throw error
      await cache.invalidateTags('users')
    }),
]

async function write(key: string): Promise<void> {
  const row = await database.incr(`${prefix}:row:${key}`)
  const way = ways[Math.floor(Math.random() * ways.length)]
  await way?.(anyCache(), key)
  if (Number(marginMs) > 0) await new Promise((resolve) => setTimeout(resolve, Number(marginMs)))
  await database.eval(RAISE, 1, `${prefix}:floor:${key}`, row)
  writes++
}

async function lane(): Promise<void> {
  while (reads + writes < Number(rounds)) {
    const key = KEYS[Math.floor(Math.random() * KEYS.length)] ?? ''
    await (chance(0.25) ? write(key) : read(key))
    if (chance(0.3)) await moment(2)
  }
}

await Promise.all(Array.from({ length: LANES }, lane))
// Nothing stale was left behind, either.
for (const key of KEYS) for (let round = 0; round < 4; round++) await read(key, { onlyStored: true })
console.log(JSON.stringify({ reads, writes, stale }))
process.exit(0)
