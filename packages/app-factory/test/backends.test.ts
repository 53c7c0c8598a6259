import { createInfra, type Infra, StartError } from '@plinth/app-factory'
import type { Env } from '@plinth/config'
import type { Logger } from '@plinth/core'
import { defineTask } from '@plinth/tasks'
import { freshRedis, inTime, sharedMemcached, tcpProxy } from '@plinth/testing'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'

const greet = defineTask<{ name: string }, string>({ name: 'greet', run: ({ name }) => `Hello ${name}` })

interface Line {
  readonly level: string
  readonly message: string
}

async function started(env: Env): Promise<{ readonly infra: Infra; readonly lines: Line[] }> {
  const lines: Line[] = []
  const write = (level: string) => (facts: unknown, message: string) => {
    lines.push({ level, message: `${message} ${JSON.stringify(facts)}` })
  }
  const logger: Logger = { debug: () => {}, info: write('info'), warn: write('warn'), error: write('error') }
  const infra = await createInfra({
    env: { EMAIL_TRANSPORT: 'memory', NODE_ENV: 'test', ...env },
    tasks: [greet],
    worker: true,
    logger,
  })
  onTestFinished(async () => void (await infra.close({ deadlineMs: 3000 })))
  return { infra, lines }
}

/** The keys of one database, looked at past the app. */
async function keysOf(url: string, db: number): Promise<readonly string[]> {
  const client = new Redis(url, { db, lazyConnect: true })
  await client.connect()
  const keys = await client.keys('*')
  client.disconnect()
  return keys
}

test('cache, limits and tasks share one server in databases of their own, and leave their keys there', async () => {
  const redis = await freshRedis()
  const { infra } = await started({
    REDIS_URL: redis.url,
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
  })
  await useCache(infra)
  await limitedByTheServer(infra)
  const handle = await infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await handle.result({ timeout: '10s' })).toBe('Hello Ada')

  const [cache, one, two, tasks] = await Promise.all([0, 1, 2, 3].map((db) => keysOf(redis.url, db)))
  expect(cache?.length).toBeGreaterThan(0)
  expect(cache?.filter((key) => !/^{?cache/.test(key))).toEqual([])
  expect(one?.filter((key) => !key.startsWith('rl'))).toEqual([])
  expect(one?.length).toBeGreaterThan(0)
  expect(two).toEqual([])
  expect(tasks?.length).toBeGreaterThan(0)
  const targets = Object.values(infra.status()).map(({ target }) => target)
  expect(targets.filter((target) => target !== undefined)).toEqual(
    [0, 1, 3].map((db) => `127.0.0.1:${redis.port}/${db}`),
  )
})

test.each([
  ['redis', 'redis'],
  ['tiered', 'redis'],
] as const)('a cache on %s answers, and what was invalidated is gone', async (backend, _) => {
  const redis = await freshRedis()
  const { infra } = await started({ REDIS_URL: redis.url, CACHE_BACKEND: backend })
  await useCache(infra)
})

test('cache and limits on Memcached answer', async () => {
  const { infra } = await started({
    MEMCACHED_SERVERS: await sharedMemcached(),
    CACHE_BACKEND: 'memcached',
    CACHE_PREFIX: `test-${crypto.randomUUID()}`,
    RATE_LIMITER_BACKEND: 'memcached',
  })
  await useCache(infra)
  await limitedByTheServer(infra)
})

/** A decision has 75 ms, which a busy machine may miss once. */
async function limitedByTheServer(infra: Infra): Promise<void> {
  const subject = `user:${crypto.randomUUID()}`
  await expect.poll(async () => (await infra.rateLimiter.check('default', subject)).degraded).toBe(false)
}

async function useCache(infra: Infra): Promise<void> {
  const setAndGet = async (): Promise<unknown> => {
    await infra.cache.set('a', 1, { tags: ['numbers'] })
    return infra.cache.get('a')
  }
  await expect.poll(setAndGet).toBe(1) // a write that a busy machine makes too slow is dropped, as promised
  await infra.cache.invalidateTags('numbers')
  expect(await infra.cache.get('a')).toBeUndefined()
}

test('with Redis away the app starts within its budget, serves, and comes back by itself, one line for each change', async () => {
  const redis = await freshRedis()
  await redis.stop()
  const starting = started({
    REDIS_URL: redis.url,
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
    STARTUP_TIMEOUT: '2s',
  })
  expect(await inTime(10_000, starting)).toBe(true) // far from waiting for a server
  const { infra, lines } = await starting
  expect(infra.health('ready')).toEqual({ status: 'warn', httpStatus: 200 })
  expect(await infra.cache.getOrSet('key', async () => 'computed')).toBe('computed')
  const decision = await infra.rateLimiter.check('default', 'user:1')
  expect(decision).toMatchObject({ allowed: true, degraded: true })
  await expect(infra.tasks.enqueue(greet, { name: 'Ada' })).rejects.toMatchObject({ retryable: true })

  await redis.restart()
  await infra.whenHealthy(undefined, { timeoutMs: 15_000 })
  expect(infra.health('ready').status).toBe('pass')
  const handle = await infra.tasks.enqueue(greet, { name: 'Ada' })
  expect(await handle.result({ timeout: '10s' })).toBe('Hello Ada')
  for (const component of ['cache', 'rateLimiter', 'tasks']) {
    const own = lines.filter(({ level, message }) => level !== 'debug' && message.startsWith(component))
    expect(own.map(({ level }) => level)).toEqual(['warn', 'info'])
  }
})

test('a server that swallows everything costs a request its deadline, not its answer', async () => {
  const redis = await freshRedis()
  const proxy = await tcpProxy({ host: '127.0.0.1', port: redis.port })
  const { infra } = await started({ CACHE_BACKEND: 'redis', CACHE_REDIS_PORT: String(proxy.port) })
  await infra.cache.set('key', 'stored')
  await proxy.blackHole()
  expect(await infra.cache.getOrSet('key', async () => 'computed')).toBe('computed')
  await expect.poll(() => infra.status().cache?.state, { timeout: 15_000 }).toBe('degraded')
  expect(await infra.cache.getOrSet('key', async () => 'computed again')).toBe('computed again')
})

test.each([
  ['a wrong password', { CACHE_REDIS_PASSWORD: 'wrong-password-123' }, 'CACHE_REDIS_PASSWORD'],
  [
    'a database that does not exist',
    { CACHE_REDIS_PASSWORD: 'right-password-123', CACHE_REDIS_DB: '99' },
    'CACHE_REDIS_DB',
  ],
])('%s stops the start, names its variable, and shows no secret', async (_, env, variable) => {
  const redis = await freshRedis({ password: 'right-password-123' })
  const error = await createInfra({
    env: { CACHE_BACKEND: 'redis', CACHE_REDIS_PORT: String(redis.port), ...env },
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StartError)
  expect(String(error)).toContain(variable)
  const { inspect } = await import('node:util')
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('password-123')
})
