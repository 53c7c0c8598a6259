import { freshPrefix, freshRedis, inTime, leakCheck, sharedRedisCluster, tcpProxy } from '@plinth/testing'
import { Cluster } from 'ioredis'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createRedisHub, type RedisClient, type RedisHub, type RedisLease } from '../../src/redis/index.js'

leakCheck()

function openHub(options: Parameters<typeof createRedisHub>[0] = {}): RedisHub {
  const hub = createRedisHub(options)
  onTestFinished(() => hub.close())
  return hub
}

async function clientsOf(server: Awaited<ReturnType<typeof freshRedis>>): Promise<number> {
  return String(await server.command('CLIENT', 'LIST'))
    .split('\n')
    .filter((line) => line.includes('lib-name=ioredis') || line.includes('resp=3')).length
}

describe('a hub of Redis connections', () => {
  test('gives a lease at once and connects in the background', async () => {
    const { url } = await freshRedis()
    const lease = openHub().lease({ url })
    expect(lease.available).toBe(false)
    await expect(lease.whenReady()).resolves.toBe(true)
  })

  test('keeps three databases of one server apart, each with its own pool', async () => {
    const server = await freshRedis()
    const hub = openHub()
    const leases = [0, 1, 3].map((db) => hub.lease({ url: server.url, db }))
    await Promise.all(leases.map((lease) => lease.whenReady()))
    await Promise.all(leases.map((lease) => lease.run((client) => client.set(`key-of-${lease.db}`, '1'))))
    expect(hub.pools().map(({ db, leases: count }) => [db, count])).toEqual([
      [0, 1],
      [1, 1],
      [3, 1],
    ])
    const keyspace = String(await server.command('INFO', 'keyspace'))
    for (const db of [0, 1, 3]) expect(keyspace).toContain(`db${db}:keys=1,`)
  })

  test('two users of one database share one pool, which closes with the last of them', async () => {
    const server = await freshRedis()
    const hub = openHub()
    const [cache, limiter] = [
      hub.lease({ url: server.url, owner: 'cache' }),
      hub.lease({ url: server.url, owner: 'limits' }),
    ]
    await Promise.all([cache.whenReady(), limiter.whenReady()])
    expect(cache.client).toBe(limiter.client)
    expect(hub.pools()).toMatchObject([{ leases: 2, size: 1, verified: true }])
    await cache.close()
    await expect(cache.run((client) => client.ping())).rejects.toMatchObject({ reason: 'closed' })
    await expect(limiter.run((client) => client.ping())).resolves.toBe('PONG')
    await limiter.close()
    expect(hub.pools()).toEqual([])
    await expect.poll(() => clientsOf(server)).toBe(0)
  })

  test('opens as many connections as the largest pool asked for, uses all of them, and says that they differ', async () => {
    const server = await freshRedis()
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const hub = openHub({ logger })
    const small = hub.lease({ url: server.url, poolSize: 1 })
    const large = hub.lease({ url: server.url, poolSize: 3 })
    await Promise.all([small.whenReady(), large.whenReady()])
    await expect.poll(() => clientsOf(server)).toBe(3)
    expect(logger.warn).toHaveBeenCalledOnce()
    const used = new Set<RedisClient>()
    for (let count = 0; count < 6; count += 1) await small.run(async (client) => used.add(client))
    expect(used.size).toBe(3)
  })

  test('refuses a second password for the same account, and names both settings', async () => {
    const { url } = await freshRedis()
    const hub = openHub()
    hub.lease({ url, db: 0, password: 'one-secret', variables: { password: 'CACHE_REDIS_PASSWORD' } })
    const second = () =>
      hub.lease({ url, db: 1, password: 'other-secret', variables: { password: 'TASKS_REDIS_PASSWORD' } })
    expect(second).toThrow(/CACHE_REDIS_PASSWORD and TASKS_REDIS_PASSWORD differ/)
    expect(() => hub.lease({ url, db: 1, username: 'tasks', password: 'other-secret' })).not.toThrow()
  })

  test('is the same pool however the nodes of a Cluster are ordered', async () => {
    const { hostname, port } = new URL(await sharedRedisCluster())
    const other = { host: hostname, port: 1 }
    const hub = openHub()
    hub.lease({ cluster: [`${hostname}:${port}`, other] })
    hub.lease({ cluster: [other, { host: hostname, port: Number(port) }] })
    expect(hub.pools()).toHaveLength(1)
  })

  test('a user with short deadlines does not shut out a patient one', async () => {
    const server = await freshRedis()
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    const hub = openHub()
    const [hasty, patient] = [
      hub.lease({ url: proxy.url, deadlineMs: 20 }),
      hub.lease({ url: proxy.url, deadlineMs: 2_000 }),
    ]
    await Promise.all([hasty.whenReady(), patient.whenReady()])
    await proxy.delay(100)
    for (let count = 0; count < 5; count += 1) await hasty.run((client) => client.ping()).catch(() => {})
    expect(hasty.available).toBe(false)
    await expect(patient.run((client) => client.ping())).resolves.toBe('PONG')
    await proxy.pass()
    await expect.poll(() => hasty.available, { timeout: 3_000 }).toBe(true)
  })
})

describe('clients of one’s own', () => {
  async function lease(url: string): Promise<RedisLease> {
    const own = openHub().lease({ url })
    await own.whenReady()
    return own
  }

  test('a subscriber hears again after the server came back, without subscribing again', {
    timeout: 30_000,
  }, async () => {
    const server = await freshRedis()
    const redis = await lease(server.url)
    const subscriber = redis.subscriber()
    expect(redis.subscriber()).toBe(subscriber)
    const heard: string[] = []
    subscriber.on('message', (_channel: string, message: string) => heard.push(message))
    await subscriber.subscribe('news')
    const publish = (message: string) => redis.run((client) => client.publish('news', message)).catch(() => 0)
    await publish('one')
    await expect.poll(() => heard).toEqual(['one'])
    await server.kill()
    await server.restart()
    await expect.poll(() => publish('two'), { timeout: 10_000 }).toBeGreaterThan(0)
    await expect.poll(() => heard).toContain('two')
  })

  test('a subscriber whose connection died silently is made anew', { timeout: 30_000 }, async () => {
    const server = await freshRedis()
    const proxy = await tcpProxy(server)
    onTestFinished(() => proxy.close())
    const redis = await lease(proxy.url)
    const direct = await lease(server.url)
    const subscriber = redis.subscriber()
    const heard: string[] = []
    subscriber.on('message', (_channel: string, message: string) => heard.push(message))
    await subscriber.subscribe('news')
    proxy.halfOpen()
    const publish = () => direct.run((client) => client.publish('news', 'back'))
    await expect.poll(publish, { timeout: 15_000, interval: 100 }).toBeGreaterThan(0)
    await expect.poll(() => heard).toContain('back')
  })

  test('blocking clients wait side by side and do not hold up the shared one', async () => {
    const server = await freshRedis()
    const redis = await lease(server.url)
    const waiting = [redis.blocking(), redis.blocking()].map((client) => client.blpop('queue', 10))
    await expect(redis.run((client) => client.ping())).resolves.toBe('PONG')
    await redis.run((client) => client.rpush('queue', 'a', 'b'))
    await expect(Promise.all(waiting)).resolves.toEqual(
      expect.arrayContaining([
        ['queue', 'a'],
        ['queue', 'b'],
      ]),
    )
  })

  test('all of them are on the database of the lease, and go with it', async () => {
    const server = await freshRedis()
    const redis = openHub().lease({ url: server.url, db: 7 })
    await redis.whenReady()
    const clients = [redis.subscriber(), redis.blocking(), redis.dedicated()]
    for (const client of clients.slice(1)) await client.set('a', '1')
    await clients[0]?.subscribe('news')
    await expect(server.command('INFO', 'keyspace')).resolves.toMatch(/db7:keys=1,/)
    await redis.close()
    expect(clients.map((client) => client.status)).toEqual(['end', 'end', 'end'])
    expect(() => redis.blocking()).toThrow(/was closed/)
  })

  test('a dedicated client hears of changed keys (client-side caching), and can prepare each new connection', async () => {
    const server = await freshRedis()
    const redis = await lease(server.url)
    const tracker = redis.dedicated({ protocol: 2, resubscribe: false })
    const changed: string[] = []
    tracker.on('messageBuffer', (_channel: Buffer, keys: unknown) => {
      if (Array.isArray(keys)) changed.push(...keys.map(String))
    })
    tracker.on('ready', async () => {
      const id = await tracker.client('ID')
      await tracker.client('TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', 'user:')
      await tracker.subscribe('__redis__:invalidate')
    })
    await expect.poll(async () => String(await server.command('INFO', 'clients'))).toMatch(/tracking_clients:1/)
    await redis.run((client) => client.set('user:1', 'x'))
    await expect.poll(() => changed).toEqual(['user:1'])
  })

  test('on a Cluster, a dedicated client of one node talks to that node', async () => {
    const prefix = freshPrefix()
    const redis = openHub().lease({ cluster: [new URL(await sharedRedisCluster()).host] })
    await redis.whenReady()
    if (!('nodes' in redis.client)) throw new Error('not a cluster')
    const [node] = redis.client.nodes('master')
    if (node === undefined) throw new Error('no node')
    const own = redis.dedicated({ node })
    await own.subscribe(prefix)
    await expect(redis.run((client) => client.publish(prefix, 'a'))).resolves.toBeGreaterThanOrEqual(0)
    expect(own).toMatchObject({ isCluster: false })
  })

  test('so does one of a Cluster client that was lent', async () => {
    const { hostname: host, port } = new URL(await sharedRedisCluster())
    const lent = new Cluster([{ host, port: Number(port) }])
    onTestFinished(() => lent.disconnect())
    const redis = openHub().lease({ client: lent })
    await redis.whenReady()
    const [node] = lent.nodes('master')
    if (node === undefined) throw new Error('no node')
    const own = redis.dedicated({ node, protocol: 2 })
    await expect(own.call('CLUSTER', 'MYID')).resolves.toBe(await node.call('CLUSTER', 'MYID'))
    expect(own).toMatchObject({ isCluster: false })
  })
})

describe('a connection that falls silent', () => {
  test('fails what it owes outside of a gate, and is made anew', { timeout: 60_000 }, async () => {
    const server = await freshRedis()
    const redis = openHub().lease({ url: server.url, socketTimeoutMs: 200 })
    await redis.whenReady()
    await server.freeze()
    await expect(redis.client.ping()).rejects.toThrow(/retries|closed/)
    await server.thaw()
    await expect.poll(() => redis.available, { timeout: 30_000 }).toBe(true)
    await expect(redis.client.ping()).resolves.toBe('PONG')
  })

  test('is left alone while nothing is asked of it', async () => {
    const server = await freshRedis()
    const redis = openHub().lease({ url: server.url, socketTimeoutMs: 20 })
    await redis.whenReady()
    const onChange = vi.fn()
    redis.onChange(onChange)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(onChange).not.toHaveBeenCalled()
  })
})

describe('closing', () => {
  test('lets calls that are under way finish, and is the same when done twice', async () => {
    const server = await freshRedis()
    const redis = openHub().lease({ url: server.url })
    await redis.whenReady()
    const calls = Array.from({ length: 100 }, (_, index) => redis.run((client) => client.set(`k${index}`, '1')))
    await Promise.all([redis.close(), redis.close()])
    await expect(Promise.all(calls)).resolves.toHaveLength(100)
  })

  test.each(['frozen', 'dead'] as const)(
    'takes little more than a second when the server is %s, and settles what waits',
    async (state) => {
      const server = await freshRedis()
      const redis = openHub().lease({ url: server.url })
      await redis.whenReady()
      const blocking = redis.blocking()
      await blocking.ping()
      if (state === 'frozen') await server.freeze()
      else {
        await server.kill()
        await expect.poll(() => blocking.status).not.toBe('ready')
      }
      const waiting = blocking.blpop('queue', 0).catch((error: Error) => error.message)
      const ended = new Promise((resolve) => blocking.once('end', resolve))
      expect(await inTime(4_000, redis.close())).toBe(true)
      await ended
      await expect(waiting).resolves.toMatch(/closed/)
      if (state === 'frozen') await server.thaw()
    },
  )
})
