import { inspect } from 'node:util'
import {
  freshPrefix,
  freshRedis,
  inTime,
  leakCheck,
  sharedRedis,
  sharedRedisCluster,
  startRedisSentinel,
} from '@plinth/testing'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MisconfiguredError } from '../../src/infra-error.js'
import { type OpenRedisOptions, openRedis, type RedisConnection } from '../../src/redis/index.js'

leakCheck()

const password = 'correct horse/battery#staple'

async function open(options: OpenRedisOptions): Promise<RedisConnection> {
  const redis = await openRedis(options)
  onTestFinished(() => redis.close())
  return redis
}

async function faultOf(options: OpenRedisOptions): Promise<MisconfiguredError> {
  const caught = await openRedis(options).then(
    (redis) => redis.close().then(() => 'it was opened'),
    (error: unknown) => error,
  )
  expect(caught).toBeInstanceOf(MisconfiguredError)
  return caught as MisconfiguredError
}

describe('opening Redis', () => {
  test('by its URL, with user, password and DB number', async () => {
    const server = await freshRedis({ password })
    const redis = await open({ url: `redis://default:${encodeURIComponent(password)}@127.0.0.1:${server.port}/5` })
    expect(redis.available).toBe(true)
    expect(redis.target).toBe(`127.0.0.1:${server.port}/5`)
    await redis.run((client) => client.set('a', 'in five'))
    const other = await open({ url: server.url, db: 5 })
    await expect(other.run((client) => client.get('a'))).resolves.toBe('in five')
  })

  test('by a unix socket', async () => {
    const server = await freshRedis({ unixSocket: true, password })
    const redis = await open({ url: `unix://${server.socketPath}?db=2`, password })
    expect(redis.db).toBe(2)
    await expect(redis.run((client) => client.ping())).resolves.toBe('PONG')
  })

  test('over TLS, when the authority is given', async () => {
    const server = await freshRedis({ tls: true, password })
    const redis = await open({ url: server.url, tls: { ca: server.ca } })
    expect(redis.available).toBe(true)
    const fault = await faultOf({ url: server.url, variables: { address: 'CACHE_REDIS_URL' } })
    expect(fault.message).toMatch(/certificate/i)
  })

  test('by what a section of the configuration gives', async () => {
    const server = await freshRedis()
    const { host, port } = server
    const settings = {
      address: { host, port },
      db: 3,
      username: undefined,
      password: undefined,
      tls: false,
      poolSize: 2,
    }
    const redis = await open({ ...settings, variables: { address: 'A', db: 'B', password: 'C' } })
    expect(redis.available).toBe(true)
    expect(redis.db).toBe(3)
    expect(String(await server.command('CLIENT', 'LIST')).match(/db=3/g)).toHaveLength(2)
  })

  test('a Cluster, from any of its nodes', async () => {
    const url = await sharedRedisCluster()
    const prefix = freshPrefix()
    const redis = await open({ cluster: [new URL(url).host] })
    expect(redis).toMatchObject({ available: true, cluster: true, db: 0 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await redis.run((client) => client.set(`${prefix}:${key}`, key, 'EX', 60), { key: `${prefix}:${key}` })
      await expect(redis.run((client) => client.get(`${prefix}:${key}`))).resolves.toBe(key)
    }
    const byUrl = await open({ url: url.replace('redis://', 'redis+cluster://') })
    await expect(byUrl.run((client) => client.get(`${prefix}:a`))).resolves.toBe('a')
  })

  test('the master that Sentinels name, and the new one after a failover', { timeout: 30_000 }, async () => {
    const sentinels = await startRedisSentinel()
    onTestFinished(() => sentinels.close())
    const redis = await open({ sentinels: [...sentinels.addresses], name: sentinels.name, db: 1 })
    await redis.run((client) => client.set('a', '1'))
    await sentinels.master.kill()
    await expect.poll(() => sentinels.masterPort(), { timeout: 15_000 }).toBe(sentinels.replica.port)
    await expect
      .poll(() => redis.run((client) => client.set('b', '2')).catch((error: Error) => error.message), {
        timeout: 10_000,
      })
      .toBe('OK')
    await expect(sentinels.replica.command('INFO', 'keyspace')).resolves.toContain('db1')
  })

  test('an answer comes within the start timeout when nobody is there, and the connection finds the server later', async () => {
    const server = await freshRedis()
    await server.stop()
    const opening = open({ url: server.url, startTimeoutMs: 300 })
    expect(await inTime(2_000, opening)).toBe(true)
    const redis = await opening
    expect(redis.available).toBe(false)
    const refused = redis.run((client) => client.ping())
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', reason: 'closed' })
    await server.restart()
    await expect.poll(() => redis.available, { timeout: 5_000 }).toBe(true)
  })

  test('a name that nobody knows yet is an outage: the name service may start later than we do', async () => {
    const redis = await open({ url: 'redis://redis.invalid:6379', startTimeoutMs: 200 })
    expect(redis.available).toBe(false)
  })
})

describe('what only a person can mend stops the opening and names what to change', () => {
  const variables = { address: 'CACHE_REDIS_URL', db: 'CACHE_REDIS_DB', password: 'CACHE_REDIS_PASSWORD' }

  test('a wrong password', async () => {
    const { url } = await freshRedis({ password })
    const fault = await faultOf({ url: url.replace(/:[^:@]+@/, ':wrong-secret@'), variables })
    expect(fault.message).toContain('CACHE_REDIS_PASSWORD')
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain('wrong-secret')
  })

  test('no password where one is asked for', async () => {
    const { port } = await freshRedis({ password })
    const fault = await faultOf({ url: `redis://127.0.0.1:${port}`, variables })
    expect(fault.message).toContain('set CACHE_REDIS_PASSWORD')
  })

  test('a DB number that the server does not have; nothing is written to DB 0', async () => {
    const server = await freshRedis()
    const fault = await faultOf({ url: server.url, db: 99, variables })
    expect(fault.message).toContain('CACHE_REDIS_DB')
    await expect(server.command('DBSIZE')).resolves.toBe(0)
  })

  test('a URL and an option that name two DB numbers, passwords or users', async () => {
    expect((await faultOf({ url: 'redis://127.0.0.1/0', db: 5, variables })).message).toBe(
      'CACHE_REDIS_URL and CACHE_REDIS_DB name two different DB numbers. Take one of them away.',
    )
    const fault = await faultOf({ url: 'redis://:one-secret@127.0.0.1', password: 'other-secret', variables })
    expect(fault.message).toMatch(/CACHE_REDIS_URL and CACHE_REDIS_PASSWORD/)
    expect(fault.message).not.toMatch(/one-secret|other-secret/)
    await faultOf({ url: 'redis://ada@127.0.0.1', username: 'bob' })
    await faultOf({ url: 'rediss://127.0.0.1', tls: false })
  })

  test('a DB number on a Cluster, with the remedy', async () => {
    const url = await sharedRedisCluster()
    const { host } = new URL(url)
    expect((await faultOf({ cluster: [host], db: 1, variables })).message).toMatch(/Set CACHE_REDIS_DB to 0.*prefix/)
    expect((await faultOf({ url, db: 1, variables })).message).toMatch(/set CACHE_REDIS_DB to 0/)
  })

  test('a Cluster that is addressed as one server, and one server that is addressed as a Cluster', async () => {
    expect((await faultOf({ url: await sharedRedisCluster(), variables })).message).toMatch(/part of a Redis Cluster/)
    const { host } = new URL(await sharedRedis())
    expect((await faultOf({ cluster: [host], variables })).message).toMatch(/no Redis Cluster: change CACHE_REDIS_URL/)
  })

  test('an unreadable address, two addresses, or none', async () => {
    await faultOf({ url: 'http://127.0.0.1', variables })
    await faultOf({ url: 'redis://:pass#word@127.0.0.1', variables })
    await faultOf({ cluster: [] })
    await faultOf({ cluster: ['redis://user:secret@host'] })
    await faultOf({ sentinels: ['127.0.0.1'], name: '' })
    await faultOf({} as OpenRedisOptions)
    await faultOf({ url: 'redis://127.0.0.1', cluster: ['127.0.0.1'] } as OpenRedisOptions)
    await faultOf({ url: 'redis://127.0.0.1', db: -1 })
    await faultOf({ url: 'redis://127.0.0.1', poolSize: 0 })
  })

  test('a user without the right to a command learns it at the call', async () => {
    const server = await freshRedis()
    await server.command('ACL', 'SETUSER', 'ada', 'on', '>ada-secret', '~*', '+@read', '+ping')
    const redis = await open({ url: `redis://ada:ada-secret@127.0.0.1:${server.port}` })
    expect(redis.available).toBe(true)
    await expect(redis.run((client) => client.set('a', '1'))).rejects.toBeInstanceOf(MisconfiguredError)
    expect(redis.available).toBe(true)
  })
})

describe('a lent client', () => {
  test('is used as it is, and left open by close', async () => {
    const server = await freshRedis()
    const own = new Redis({ host: server.host, port: server.port, db: 4 })
    onTestFinished(() => void own.quit())
    const redis = await openRedis({ client: own })
    expect(redis).toMatchObject({ available: true, db: 4, target: `127.0.0.1:${server.port}/4` })
    expect(redis.client).toBe(own)
    await redis.run((client) => client.set('a', '1'))
    await redis.close()
    await expect(own.get('a')).resolves.toBe('1')
    expect(own.listenerCount('ready') + own.listenerCount('error')).toBe(0)
  })

  test('is watched: it is away while its server is', async () => {
    const server = await freshRedis()
    const own = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: 0 })
    onTestFinished(() => own.disconnect())
    const redis = await open({ client: own })
    await server.kill()
    await expect.poll(() => redis.available).toBe(false)
    await server.restart()
    await expect.poll(() => redis.available, { timeout: 10_000 }).toBe(true)
  })
})

test('neither inspect nor JSON of a connection or its client shows the password', async () => {
  const server = await freshRedis({ password })
  const redis = await open({ url: server.url })
  const seen = [redis, redis.client, redis.subscriber(), redis.blocking()]
    .map((each) => `${inspect(each, { depth: 10, showHidden: true, getters: true })} ${JSON.stringify(each)}`)
    .join('\n')
  expect(seen).not.toContain(password)
  expect(seen).not.toContain(encodeURIComponent(password))
})
