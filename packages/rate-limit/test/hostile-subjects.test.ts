import { type MemcachedConnection, openMemcached } from '@plinth/core/memcached'
import { openRedis, type RedisConnection } from '@plinth/core/redis'
import { freshPrefix, leakCheck, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memcachedBackend } from '../src/backends/memcached.js'
import { redisBackend } from '../src/backends/redis.js'
import { identifyCaller } from '../src/http/index.js'
import { createRateLimiter, memoryBackend } from '../src/index.js'
import { FakeClock } from './fake-clock.js'

leakCheck()

/** What somebody may call himself: separators, hash tags, wildcards, digests, halves of characters, and very long texts. */
const hostile = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.string({
    minLength: 1,
    unit: fc.constantFrom('{', '}', ':', '*', '\0', '\r', '\n', ' ', 'a', '#', '%', '\ud800'),
  }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'user:1', 'user:1:api', '#', '../x', 'e\u0301', '\u00e9'),
  fc
    .string({ minLength: 22, maxLength: 22, unit: fc.constantFrom('A', 'b', '9', '-', '_') })
    .map((digest) => `#${digest}`),
  fc.string({ minLength: 1, maxLength: 3 }).map((text) => text.repeat(4_000)),
)
const pair = fc.tuple(hostile, hostile).filter(([one, other]) => one !== other)

const policies = { api: { limits: ['1/1m', '1/1d fixed'] }, other: { limits: ['1/1m'] } }

/** On a server, a run costs a dozen round trips. */
const numRuns = process.env.PLINTH_LONG === '1' ? 2_000 : 60

/** Charges two subjects: each has budgets of its own, in keys that tell nothing of it. */
async function countApartUnderOwnKeys(redis: RedisConnection, subjects: readonly [string, string]): Promise<void> {
  const prefix = freshPrefix('rl')
  const backend = redisBackend(redis, { prefix, clock: new FakeClock() })
  const limiter = createRateLimiter({ backend, policies, onOutage: 'closed', deadline: '30s' })
  for (const subject of subjects) {
    expect((await limiter.check('api', subject)).outcome).toBe('admitted')
    expect((await limiter.check('api', subject)).outcome).toBe('limited')
  }
  const { client } = redis
  const nodes = 'nodes' in client ? client.nodes('master') : [client]
  const keys = (await Promise.all(nodes.map((node) => node.keys(`${prefix}*`)))).flat()
  expect(keys).toHaveLength(4)
  for (const key of keys) expect(key.slice(prefix.length)).toMatch(/^:\{[\w-]{22}\}:api:[sf]\d+$/)
}

describe('subjects that differ in anything count apart', () => {
  let redis: RedisConnection
  let cluster: RedisConnection
  let memcached: MemcachedConnection
  beforeAll(async () => {
    redis = await openRedis({ url: await sharedRedis() })
    cluster = await openRedis({ cluster: [new URL(await sharedRedisCluster()).host] })
    const connection = openMemcached({ servers: await sharedMemcached() })
    memcached = connection
    await connection.whenReady()
  })
  afterAll(() => Promise.all([redis, cluster, memcached].map((connection) => connection.close())))

  test('in memory', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([one, other]) => {
        const limiter = createRateLimiter({ backend: memoryBackend({ clock: new FakeClock() }), policies })
        for (const subject of [one, other]) {
          expect((await limiter.check('api', subject)).allowed).toBe(true)
          expect((await limiter.check('api', subject)).allowed).toBe(false)
          expect((await limiter.check('other', subject)).allowed).toBe(true)
        }
        await limiter.reset('api', one)
        expect((await limiter.peek('api', one)).allowed).toBe(true)
        expect((await limiter.peek('api', other)).allowed).toBe(false)
      }),
    )
  })

  test('in redis, where no subject shows in a key or leaves its prefix', async () => {
    await fc.assert(
      fc.asyncProperty(pair, (subjects) => countApartUnderOwnKeys(redis, subjects)),
      { numRuns },
    )
  })

  test('in redis cluster, where none chooses its slot either', async () => {
    await fc.assert(
      fc.asyncProperty(pair, (subjects) => countApartUnderOwnKeys(cluster, subjects)),
      { numRuns },
    )
  })

  test('in memcached', async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ([one, other]) => {
        const backend = memcachedBackend(memcached, { prefix: freshPrefix('rl'), clock: new FakeClock() })
        const limiter = createRateLimiter({ backend, policies, onOutage: 'closed', deadline: '30s' })
        for (const subject of [one, other]) {
          expect((await limiter.check('api', subject)).outcome).toBe('admitted')
          expect((await limiter.check('api', subject)).outcome).toBe('limited')
          expect((await limiter.check('other', subject)).outcome).toBe('admitted')
        }
        await limiter.reset('api', one)
        expect((await limiter.peek('api', one)).outcome).toBe('admitted')
        expect((await limiter.peek('api', other)).outcome).toBe('limited')
      }),
      { numRuns },
    )
  })

  test('kinds of callers never share a budget, whatever their ids', () => {
    fc.assert(
      fc.property(hostile, hostile, (id, other) => {
        const peer = '192.0.2.1'
        const user = identifyCaller({ method: 'GET', peer, principal: { id } }).subject
        const key = identifyCaller({ method: 'GET', peer, apiKey: { id: other } }).subject
        const address = identifyCaller({ method: 'GET', peer }).subject
        expect(new Set([user, key, address]).size).toBe(3)
      }),
    )
  })
})
