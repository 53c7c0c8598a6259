import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import {
  freePort,
  freshRedis,
  leakCheck,
  type RedisServer,
  sharedRedisCluster,
  startRedisCluster,
  startRedisSentinel,
} from '@plinth/testing'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { classifyFault, faultTable } from '../../src/faults/classify-fault.js'
import { redisFaults } from '../../src/faults/redis-faults.js'

leakCheck()

const FAST: RedisOptions = {
  retryStrategy: () => null,
  maxRetriesPerRequest: 0,
  disconnectTimeout: 50,
  enableReadyCheck: false,
}

function client(port: number, options: RedisOptions = {}): Redis {
  const redis = new Redis({ ...FAST, host: '127.0.0.1', port, lazyConnect: true, ...options } as RedisOptions & {
    replyMapping: 'legacy'
  })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

/** What a client hears when it tries to connect. */
function connectionError(port: number, options: RedisOptions = {}): Promise<unknown> {
  const redis = client(port, options)
  const heard = new Promise((resolve) => redis.once('error', resolve))
  redis.connect().then(
    () => {},
    () => {},
  )
  return heard
}

async function commandError(redis: Redis | Cluster, command: string, ...args: (string | number)[]): Promise<unknown> {
  return redis.call(command, ...args).then(
    (reply) => `no error, but ${String(reply)}`,
    (error: unknown) => error,
  )
}

async function connected(server: { readonly port: number }, options: RedisOptions = {}): Promise<Redis> {
  const redis = client(server.port, options)
  await redis.connect()
  return redis
}

async function cluster(port: number, options: ConstructorParameters<typeof Cluster>[1] = {}): Promise<Cluster> {
  const own = new Cluster([{ host: '127.0.0.1', port }], {
    clusterRetryStrategy: () => null,
    redisOptions: { disconnectTimeout: 50 },
    ...options,
  } as ConstructorParameters<typeof Cluster>[1])
  own.on('error', () => {})
  onTestFinished(() => own.disconnect())
  return own
}

async function loadingServer(): Promise<RedisServer> {
  const config = ['key-load-delay 20000', 'loading-process-events-interval-bytes 1024', 'save 3600 1']
  const server = await freshRedis({ config })
  for (let index = 0; index < 100; index += 1) await server.command('SET', `k${index}`, 'v'.repeat(500))
  await server.command('SAVE')
  await server.kill()
  return server
}

/** Makes real servers say what each line of the table is about. */
const produced: Readonly<Record<string, () => Promise<unknown>>> = {
  'redis/wrong-password': async () => {
    const { port } = await freshRedis({ password: 'right' })
    return connectionError(port, { password: 'wrong' })
  },
  'redis/wrong-password when none is set': async () =>
    commandError(await connected(await freshRedis()), 'AUTH', 'superfluous'),
  'redis/no-password': async () => connectionError((await freshRedis({ password: 'right' })).port),
  'redis/no-permission': async () => {
    const server = await freshRedis()
    await server.command('ACL', 'SETUSER', 'ada', 'on', '>pw', '~*', '+get')
    return commandError(await connected(server, { username: 'ada', password: 'pw' }), 'SET', 'a', '1')
  },
  'redis/db-out-of-range': async () => connectionError((await freshRedis()).port, { db: 99 }),
  'redis/db-on-cluster': async () => connectionError(Number(new URL(await sharedRedisCluster()).port), { db: 1 }),
  'redis/not-a-cluster': async () => {
    const own = await cluster((await freshRedis()).port)
    return new Promise((resolve) => own.once('error', resolve))
  },
  'redis/is-a-cluster': async () => {
    const node = await connected({ port: Number(new URL(await sharedRedisCluster()).port) })
    const replies = await Promise.all(['a', 'b', 'c', 'd'].map((key) => commandError(node, 'GET', key)))
    return replies.find((reply) => reply instanceof Error)
  },
  'redis/not-redis': async () => {
    const http = createServer((_, response) => response.end())
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      http.closeAllConnections()
      http.close()
    })
    const address = http.address()
    return connectionError(typeof address === 'object' ? (address?.port ?? 0) : 0)
  },
  'redis/sentinel-name': async () => {
    const sentinels = await startRedisSentinel()
    onTestFinished(() => sentinels.close())
    const options = { sentinels: [...sentinels.addresses], name: 'wrong', sentinelRetryStrategy: () => null }
    return connectionError(0, options)
  },
  'redis/loading': async () => {
    const server = await loadingServer()
    const restarting = server.restart()
    onTestFinished(() => restarting)
    for (;;) {
      const redis = client(server.port)
      const error = await redis.connect().then(
        () => commandError(redis, 'PING'),
        () => undefined,
      )
      if (error instanceof Error || error === 'no error, but PONG') return error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  },
  'redis/master-down': async () => {
    const server = await freshRedis({ replicaOf: { host: '127.0.0.1', port: await freePort() } })
    await server.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
    return commandError(await connected(server), 'GET', 'a')
  },
  'redis/read-only': async () =>
    commandError(await connected(await freshRedis({ replicaOf: await freshRedis() })), 'SET', 'a', '1'),
  'redis/read-only, told to a blocked client': async () => {
    const server = await freshRedis()
    const waiting = commandError(await connected(server), 'BLPOP', 'queue', 0)
    await expect.poll(async () => String(await server.command('INFO', 'clients'))).toContain('blocked_clients:1')
    await server.command('REPLICAOF', '127.0.0.1', await freePort())
    return waiting
  },
  'redis/cluster-down': async () => {
    const { port } = await freshRedis({ config: ['cluster-enabled yes'] })
    return commandError(await connected({ port }), 'GET', 'a')
  },
  'redis/cluster-down while a slot moves': async () => {
    const own = await startRedisCluster()
    onTestFinished(() => own.close())
    const slot = Number(await own.masters[0].command('CLUSTER', 'KEYSLOT', '{a}1'))
    const nodes = await Promise.all(
      own.masters.map(async (node) => ({ node, id: String(await node.command('CLUSTER', 'MYID')) })),
    )
    const slots = (await own.masters[0].command('CLUSTER', 'SLOTS')) as readonly [number, number, readonly unknown[]][]
    const port = slots.find(([from, to]) => from <= slot && slot <= to)?.[2]?.[1]
    const source = nodes.find(({ node }) => node.port === port)
    const target = nodes.find(({ node }) => node.port !== port)
    if (source === undefined || target === undefined) throw new Error('no owner of the slot')
    await source.node.command('SET', '{a}1', 'x')
    await target.node.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id)
    await source.node.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id)
    return source.node.command('MGET', '{a}1', '{a}2').catch((error: unknown) => error)
  },
  'redis/max-clients': async () => {
    const server = await freshRedis({ maxclients: 1 })
    await connected(server)
    return server.command('PING').catch((error: unknown) => error)
  },
  'redis/busy': async () => {
    const server = await freshRedis({ config: ['lua-time-limit 50'] })
    const [busy, other] = [await connected(server), await connected(server)]
    const script = commandError(busy, 'EVAL', 'while true do end', 0)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const error = await commandError(other, 'GET', 'a')
    await other.script('KILL')
    await script
    return error
  },
  'redis/out-of-memory': async () => {
    const server = await freshRedis()
    await server.command('CONFIG', 'SET', 'maxmemory', '100kb')
    return commandError(await connected(server), 'SET', 'a', '1')
  },
  'redis/no-replicas': async () => {
    const server = await freshRedis({ config: ['min-replicas-to-write 1'] })
    return commandError(await connected(server), 'SET', 'a', '1')
  },
  'redis/disk': async () => {
    const server = await freshRedis()
    const [, directory] = (await server.command('CONFIG', 'GET', 'dir')) as string[]
    mkdirSync(join(directory ?? '', 'dump.rdb')) // the snapshot cannot take its place
    await server.command('CONFIG', 'SET', 'save', '3600 1')
    await server.command('BGSAVE')
    await expect
      .poll(async () => String(await server.command('INFO', 'persistence')))
      .toContain('rdb_last_bgsave_status:err')
    return commandError(await connected(server), 'SET', 'a', '1')
  },
  'redis/closed': async () => {
    const server = await freshRedis()
    const redis = await connected(server)
    await server.kill()
    await expect.poll(() => redis.status).toBe('end')
    return commandError(redis, 'PING')
  },
  'redis/closed without a queue': async () => {
    const redis = client((await freshRedis()).port, { enableOfflineQueue: false })
    redis.connect().catch(() => {})
    return commandError(redis, 'PING')
  },
  'redis/timeout': async () => {
    const server = await freshRedis()
    const redis = await connected(server, { commandTimeout: 50 })
    await server.freeze()
    return commandError(redis, 'PING')
  },
  'redis/timeout of the socket': async () => {
    const server = await freshRedis()
    const redis = await connected(server, { socketTimeout: 50 })
    await server.freeze()
    const heard = new Promise((resolve) => redis.once('error', resolve))
    void redis.ping().catch(() => {})
    return heard
  },
  'redis/retries': async () => {
    const redis = client(await freePort(), { retryStrategy: () => 10, maxRetriesPerRequest: 0 })
    return commandError(redis, 'PING')
  },
  'redis/cluster-unreachable': async () => {
    const own = await cluster(await freePort())
    return new Promise((resolve) =>
      own.once('error', (error) => resolve(Object.assign(error, { lastNodeError: undefined }))),
    )
  },
  'redis/cluster-unreachable before it is ready': async () =>
    commandError(await cluster((await freshRedis()).port, { enableOfflineQueue: false }), 'GET', 'a'),
  'redis/sentinel-unreachable': async () => {
    const sentinels = [{ host: '127.0.0.1', port: await freePort() }]
    return connectionError(0, { sentinels, name: 'plinth', sentinelRetryStrategy: () => null })
  },
}

/** What no server on this machine can be brought to say. */
const recorded: Readonly<Record<string, string>> = {
  'redis/protected-mode':
    'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.',
}

describe('what Redis and ioredis say is sorted by the line of the table that is about it', () => {
  test.each(Object.entries(produced))('%s', { timeout: 30_000 }, async (name, produce) => {
    const error = await produce()
    expect(error, String(error)).toBeInstanceOf(Error)
    const { kind, rule } = classifyFault(error, 'redis')
    expect(rule?.id, String(error)).toBe(name.split(/[ ,]/)[0])
    expect(kind).toBe(rule?.kind)
  })

  test.each(Object.entries(recorded))('%s (recorded)', (id, message) => {
    expect(classifyFault(new Error(message), 'redis').rule?.id).toBe(id)
  })

  test('no line about Redis is without such a proof', () => {
    const own = redisFaults.map(({ id }) => id).filter((id) => id.startsWith('redis/'))
    const proven = [...Object.keys(produced), ...Object.keys(recorded)].map((name) => name.split(/[ ,]/)[0])
    expect(own.filter((id) => !proven.includes(id))).toEqual([])
  })

  test('what the table does not know is a bug', async () => {
    const redis = await connected(await freshRedis())
    await redis.set('a', '1')
    for (const error of [
      await commandError(redis, 'LPUSH', 'a', '1'),
      await commandError(redis, 'NONSENSE'),
      new TypeError('x'),
    ]) {
      expect(classifyFault(error, 'redis')).toEqual({ kind: 'bug' })
    }
  })
})

test('every mistake in the table says what to do', () => {
  for (const rule of Object.values(faultTable).flat()) {
    if (rule.kind === 'misconfigured') expect(rule.remedy, rule.id).toMatch(/^[A-Z].*\.$/)
  }
})
