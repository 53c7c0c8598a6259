import { createInfra, type Infra } from '@plinth/app-factory'
import type { Env } from '@plinth/config'
import { silentLogger } from '@plinth/core'
import { defineTask } from '@plinth/tasks'
import { freshRedis, leakCheck, type RedisServer, redisCommand, startRedisCluster } from '@plinth/testing'
import { expect, onTestFinished, test } from 'vitest'

leakCheck()

const greet = defineTask<{ readonly name: string }, string>({ name: 'greet', run: ({ name }) => `Hello ${name}` })
const everythingOnRedis = { CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' }

async function started(env: Env): Promise<Infra> {
  const infra = await createInfra({
    env: { EMAIL_TRANSPORT: 'memory', NODE_ENV: 'test', CACHE_PREFIX: 'shop', ...env },
    tasks: [greet],
    worker: true,
    logger: silentLogger,
  })
  onTestFinished(async () => void (await infra.close()))
  await infra.whenHealthy()
  return infra
}

/** Leaves keys of every component: values and tags, counts, a task and its result, an email under a key. */
async function useEverything(infra: Infra): Promise<void> {
  await expect.poll(() => storedAndRead(infra)).toBe(1) // a write that a busy machine makes too slow is dropped, as promised
  await infra.cache.invalidateTags('numbers')
  await expect.poll(async () => (await infra.rateLimiter.check('default', 'user:42')).degraded).toBe(false)
  const handle = await infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await handle.result({ timeout: '10s' })).toBe('Hello Ada')
  const message = { to: 'ada@example.com', subject: 'Hi', text: 'Hello' }
  expect(await infra.email.sendMessage(message, { idempotencyKey: 'once' })).toMatchObject({ status: 'sent' })
}

async function storedAndRead(infra: Infra): Promise<unknown> {
  await infra.cache.set('a', 1, { tags: ['numbers'] })
  await infra.cache.set('b', 2)
  await infra.cache.set('c', 3)
  return infra.cache.get('a')
}

/** Who a key belongs to, by its beginning. */
function ownerOf(key: string): string {
  const owners = { cache: /^\{?shop\b/, limits: /^\{?rl\b/, tasks: /^\{?plinth\}?:/, email: /^\{?email\b/ }
  return Object.entries(owners).find(([, beginning]) => beginning.test(key))?.[0] ?? `nobody (${key})`
}

async function ownersIn(
  server: { readonly host: string; readonly port: number },
  db: number,
): Promise<readonly string[]> {
  const keys = await redisCommand({ host: server.host, port: server.port, db }, 'KEYS', '*')
  return [...new Set((keys as string[]).map(ownerOf))].toSorted()
}

/** The connections that clients of the app hold, such as `plinth:cache 0`. */
async function connectionsOf(server: RedisServer): Promise<readonly string[]> {
  const lines = String(await server.command('CLIENT', 'LIST')).split('\n')
  return lines
    .flatMap((line) => {
      const { name, db } = /\bname=(?<name>plinth:\S*).* db=(?<db>\d+)/.exec(line)?.groups ?? {}
      return name === undefined ? [] : [`${name} ${db}`]
    })
    .toSorted()
}

test('cache, limits and tasks have a lease and a database each on one server, and their keys are nowhere else', async () => {
  const redis = await freshRedis()
  const infra = await started({ ...everythingOnRedis, REDIS_URL: redis.url })
  await useEverything(infra)
  expect(await ownersIn(redis, 0)).toEqual(['cache'])
  expect(await ownersIn(redis, 1)).toEqual(['limits'])
  expect(await ownersIn(redis, 2)).toEqual([])
  expect(await ownersIn(redis, 3)).toEqual(['email', 'tasks']) // email keeps what must not be evicted where tasks do
  const connections = await connectionsOf(redis)
  expect(connections.filter((line) => line === 'plinth:cache 0').length).toBeGreaterThan(0)
  expect(connections.filter((line) => line.startsWith('plinth:rate-limiter'))).toEqual(['plinth:rate-limiter 1'])
  expect([...new Set(connections)]).toEqual(['plinth:cache 0', 'plinth:rate-limiter 1', 'plinth:tasks 3'])
})

test('components on one database share one pool: one connection more than none, whoever asks', async () => {
  const redis = await freshRedis()
  const env = { REDIS_URL: redis.url, RATE_LIMITER_BACKEND: 'redis', RATE_LIMITER_REDIS_DB: '0', CACHE_REDIS_DB: '0' }
  const alone = await started(env)
  await alone.rateLimiter.check('default', 'user:42')
  expect(await connectionsOf(redis)).toEqual(['plinth:rate-limiter 0'])
  await alone.close()
  await expect.poll(() => connectionsOf(redis)).toEqual([])

  const both = await started({ ...env, CACHE_BACKEND: 'redis' })
  await both.rateLimiter.check('default', 'user:42')
  await both.cache.set('a', 1)
  expect(await connectionsOf(redis)).toEqual(['plinth:cache 0']) // the first to ask gave it its name
  await both.close()
  await expect.poll(() => connectionsOf(redis)).toEqual([])
})

test('the same app on a Cluster: prefixes keep the components apart, and no key is on the wrong side', {
  timeout: 60_000,
}, async () => {
  const cluster = await startRedisCluster()
  onTestFinished(() => cluster.close())
  const databases = { CACHE_REDIS_DB: '0', RATE_LIMITER_REDIS_DB: '0', TASKS_REDIS_DB: '0' }
  const url = cluster.url.replace('redis:', 'redis+cluster:')
  const infra = await started({ ...everythingOnRedis, ...databases, REDIS_URL: url })
  await useEverything(infra)
  const owners = await Promise.all(cluster.masters.map((master) => ownersIn(master, 0)))
  expect([...new Set(owners.flat())].toSorted()).toEqual(['cache', 'email', 'limits', 'tasks'])
  await infra.close()
  for (const master of cluster.masters) await expect.poll(() => connectionsOf(master)).toEqual([])
})
