import { channel } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import {
  inTime,
  leakCheck,
  type RedisServer,
  startMemcached,
  startRedis,
  startRedisCluster,
  type TcpProxy,
  tcpProxy,
} from '@plinth/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AvailabilityChange, Readiness } from '../src/availability.js'
import { BackendUnavailableError } from '../src/infra-error.js'
import { type MemcachedConnection, openMemcached } from '../src/memcached/index.js'
import { createRedisHub, type RedisConnection } from '../src/redis/index.js'

leakCheck()

const PASSWORD = 'the-password-that-nobody-may-see'
const DEADLINE_MS = 150
/** Whoever were to wait for anything but the deadline would wait longer than that: nothing else is as short. */
const LATE_MS = 500
const UNTIL_LATE = { timeout: 20_000, interval: 50 }

/** What the matrix asks of any connection: one call with a deadline, and how it stands. */
interface Subject extends Readiness {
  readonly available: boolean
  call(): Promise<unknown>
  onChange(listener: (change: AvailabilityChange) => void): () => void
  close(): Promise<void>
}

function redisSubject(connection: RedisConnection & Readiness): Subject {
  const call = () =>
    connection.run((client) => client.set('{a}key', 'value'), { deadlineMs: DEADLINE_MS, key: '{a}key' })
  return subjectOf(connection, call)
}

function memcachedSubject(connection: MemcachedConnection & Readiness): Subject {
  return subjectOf(connection, () => connection.set('key', 'value', 60_000, { deadlineMs: DEADLINE_MS }))
}

function subjectOf(connection: Omit<Subject, 'call'>, call: () => Promise<unknown>): Subject {
  return {
    get available() {
      return connection.available
    },
    get error() {
      return connection.error
    },
    call,
    onChange: (listener) => connection.onChange(listener),
    whenReady: (options) => connection.whenReady(options),
    close: () => connection.close(),
  }
}

/** Collects everything that a person or a machine could read, to be searched for the secret. */
class Sinks {
  readonly #seen: string[] = []
  readonly #channels = ['ready', 'transition'].map((name) => channel(`plinth:component:${name}`))
  readonly #listen = (message: unknown): void => this.add(message)

  constructor() {
    for (const each of this.#channels) each.subscribe(this.#listen)
    for (const method of ['log', 'warn', 'error', 'info', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...args: unknown[]) => this.add(args))
    }
  }

  add(value: unknown): void {
    const options = { depth: 10, showHidden: true, getters: true, maxStringLength: null }
    this.#seen.push(inspect(value, options), JSON.stringify(value) ?? '', String(value))
  }

  close(): string {
    for (const each of this.#channels) each.unsubscribe(this.#listen)
    vi.restoreAllMocks()
    return this.#seen.join('\n')
  }
}

let sinks: Sinks
const unhandled: unknown[] = []
const onUnhandled = (error: unknown): void => void unhandled.push(error)

beforeAll(() => void process.on('unhandledRejection', onUnhandled))
afterAll(() => void process.off('unhandledRejection', onUnhandled))
beforeEach(() => {
  sinks = new Sinks()
})
afterEach(() => {
  expect(sinks.close()).not.toContain(PASSWORD)
  expect(unhandled.splice(0)).toEqual([])
})

/** Calls until the outage is over: every call answers in time, and none fails with anything but an outage. */
async function liveThrough(subject: Subject, ms: number): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    const call = subject.call().catch((error: unknown) => error)
    expect(await inTime(LATE_MS, call)).toBe(true)
    const answer: unknown = await call
    if (answer instanceof Error) {
      expect(answer).toBeInstanceOf(BackendUnavailableError)
      sinks.add(answer)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** How soon at the worst is a matter of waits, not of this machine: `recovery-schedule.test.ts` adds them up. */
async function recovered(subject: Subject): Promise<void> {
  const call = (): Promise<boolean> =>
    subject.call().then(
      () => true,
      () => false,
    )
  await expect.poll(call, { timeout: 20_000, interval: 20 }).toBe(true)
}

interface Backend {
  readonly proxy: TcpProxy
  readonly server: Pick<RedisServer, 'kill' | 'restart' | 'freeze' | 'thaw' | 'stop'>
  open(): Subject
}

async function redisBackend(): Promise<Backend> {
  const server = await startRedis({ password: PASSWORD })
  const proxy = await tcpProxy(server)
  onTestFinished(async () => {
    await proxy.close()
    await server.close()
  })
  const open = (): Subject => {
    const hub = createRedisHub()
    const lease = hub.lease({ url: proxy.url, db: 2 })
    onTestFinished(() => hub.close())
    return redisSubject(lease)
  }
  return { proxy, server, open }
}

async function memcachedBackend(): Promise<Backend> {
  const sasl = { username: 'ada', password: PASSWORD }
  const server = await startMemcached({ sasl })
  const proxy = await tcpProxy(server)
  onTestFinished(async () => {
    await proxy.close()
    await server.close()
  })
  const open = (): Subject => {
    const connection = openMemcached({ servers: `${proxy.host}:${proxy.port}`, ...sasl })
    onTestFinished(() => connection.close())
    return memcachedSubject(connection)
  }
  return { proxy, server, open }
}

/** Each fault, and its end. */
const faults: Readonly<
  Record<string, { begin(backend: Backend): Promise<void>; end(backend: Backend): Promise<void> }>
> = {
  refused: { begin: ({ proxy }) => proxy.refuse(), end: ({ proxy }) => proxy.pass() },
  'a black hole': { begin: ({ proxy }) => proxy.blackHole(), end: ({ proxy }) => proxy.pass() },
  'frozen (SIGSTOP)': { begin: ({ server }) => server.freeze(), end: ({ server }) => server.thaw() },
  '200 ms slow': { begin: ({ proxy }) => proxy.delay(200), end: ({ proxy }) => proxy.pass() },
  killed: { begin: ({ server }) => server.kill(), end: ({ server }) => server.restart() },
  reset: { begin: ({ proxy }) => proxy.reset(), end: ({ proxy }) => proxy.pass() },
  'half open': {
    begin: async ({ proxy }) => {
      proxy.halfOpen()
      await proxy.blackHole()
    },
    end: ({ proxy }) => proxy.pass(),
  },
  restarted: { begin: ({ server }) => server.stop(), end: ({ server }) => server.restart() },
}

describe.each([
  ['Redis', redisBackend],
  ['Memcached', memcachedBackend],
] as const)('%s', (_, makeBackend) => {
  test.each(Object.entries(faults))(
    '%s while running: calls end at their deadline, one change down and one back, no restart needed',
    { timeout: 30_000 },
    async (_name, { begin, end }) => {
      const backend = await makeBackend()
      const subject = backend.open()
      await expect(subject.whenReady()).resolves.toBe(true)
      const changes: AvailabilityChange[] = []
      subject.onChange((change) => {
        changes.push(change)
        sinks.add(change)
      })
      const underWay = Promise.allSettled(Array.from({ length: 20 }, () => subject.call()))
      await begin(backend)
      await underWay
      await liveThrough(subject, 1_500)
      expect(subject.available).toBe(false)
      await end(backend)
      await recovered(subject)
      expect(changes.map(({ available }) => available)).toEqual([false, true])
      expect(changes[1]?.downForMs).toBeGreaterThan(0)
    },
  )

  test.each(['refused', 'a black hole', 'frozen (SIGSTOP)', 'killed', 'reset'])(
    '%s from the start: whoever waits goes on in time, and the connection comes up later',
    { timeout: 30_000 },
    async (name) => {
      const backend = await makeBackend()
      await faults[name]?.begin(backend)
      const subject = backend.open()
      const ready = subject.whenReady({ timeoutMs: 500 })
      expect(await inTime(900, ready)).toBe(true)
      expect(await ready).toBe(false)
      await liveThrough(subject, 300)
      sinks.add(subject.error)
      await faults[name]?.end(backend)
      await recovered(subject)
    },
  )

  test('a wrong password is a mistake from the start, and shows nowhere', async () => {
    const backend = await makeBackend()
    const wrong = `${PASSWORD}-but-wrong`
    const subject =
      makeBackend === redisBackend
        ? redisSubject(createRedisHub().lease({ url: backend.proxy.url.replace(PASSWORD, wrong) }))
        : memcachedSubject(
            openMemcached({ servers: `${backend.proxy.host}:${backend.proxy.port}`, username: 'ada', password: wrong }),
          )
    onTestFinished(() => subject.close())
    const error: unknown = await subject.whenReady().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'MisconfiguredError' })
    sinks.add(error)
  })
})

describe('states that only Redis knows', () => {
  test('loading its data: away until it is done', { timeout: 30_000 }, async () => {
    const config = ['key-load-delay 10000', 'loading-process-events-interval-bytes 1024', 'save 3600 1']
    const server = await startRedis({ config })
    onTestFinished(() => server.close())
    for (let index = 0; index < 100; index += 1) await server.command('SET', `k${index}`, 'v'.repeat(500))
    await server.command('SAVE')
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const subject = redisSubject(hub.lease({ url: server.url }))
    await subject.whenReady()
    await server.kill()
    const restarted = server.restart()
    await liveThrough(subject, 500)
    await restarted
    await recovered(subject)
  })

  test('demoted to a replica: away, not half there, until it is promoted', { timeout: 30_000 }, async () => {
    const [server, other] = [await startRedis(), await startRedis()]
    onTestFinished(async () => {
      await server.close()
      await other.close()
    })
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const subject = redisSubject(hub.lease({ url: server.url }))
    await subject.whenReady()
    await server.command('REPLICAOF', other.host, other.port)
    await liveThrough(subject, 1_000)
    expect(subject.available).toBe(false)
    await server.command('REPLICAOF', 'NO', 'ONE')
    await recovered(subject)
  })

  test('full of clients: away until one leaves', { timeout: 30_000 }, async () => {
    const server = await startRedis({ maxclients: 1 })
    onTestFinished(() => server.close())
    const [holder, waiting] = [createRedisHub(), createRedisHub()]
    onTestFinished(async () => {
      await holder.close()
      await waiting.close()
    })
    await holder.lease({ url: server.url }).whenReady()
    const subject = redisSubject(waiting.lease({ url: server.url }))
    await expect(subject.whenReady({ timeoutMs: 500 })).resolves.toBe(false)
    expect(subject.error).toBeInstanceOf(BackendUnavailableError)
    await holder.close()
    await recovered(subject)
  })
})

describe('Redis Cluster', () => {
  test('a master that dies costs its own keys only, until its replica takes over', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster({ nodeTimeout: 2_500 })
    onTestFinished(() => cluster.close())
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const redis = hub.lease({ cluster: [new URL(cluster.url).host] })
    await redis.whenReady()
    const set = (key: string) => redis.run((client) => client.set(key, '1'), { key, deadlineMs: DEADLINE_MS })
    const keys = Array.from({ length: 30 }, (_, index) => `key:${index}`)
    await Promise.all(keys.map(set))
    await cluster.masters[0].kill()
    for (let round = 0; round < 5; round += 1) {
      const answers = await Promise.allSettled(keys.map(set))
      const failed = answers.filter(({ status }) => status === 'rejected').length
      expect(failed).toBeGreaterThan(0)
      expect(failed).toBeLessThan(keys.length)
      expect(redis.available).toBe(true)
    }
    await expect
      .poll(
        () =>
          Promise.all(keys.map(set)).then(
            () => 'all',
            () => 'not all',
          ),
        UNTIL_LATE,
      )
      .toBe('all')
  })

  test('slow as a whole, it is away although only one of its nodes is asked any more', {
    timeout: 60_000,
  }, async () => {
    const proxies: TcpProxy[] = []
    onTestFinished(async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()))
    })
    const announce = async (port: number): Promise<number> => {
      const proxy = await tcpProxy(`127.0.0.1:${port}`)
      proxies.push(proxy)
      return proxy.port
    }
    const cluster = await startRedisCluster({ announce })
    onTestFinished(() => cluster.close())
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const redis = hub.lease({ cluster: proxies.map((proxy) => `127.0.0.1:${proxy.port}`) })
    await redis.whenReady()
    const set = (key: string) => redis.run((client) => client.set(key, '1'), { key, deadlineMs: DEADLINE_MS })
    await expect.poll(() => Promise.all(['a', 'b', 'c'].map(set)).then(String, () => ''), UNTIL_LATE).toBe('OK,OK,OK')
    await Promise.all(proxies.map((proxy) => proxy.delay(2 * DEADLINE_MS)))
    for (let count = 0; count < 5; count += 1) await set('a').catch(() => {})
    await expect.poll(() => redis.available, UNTIL_LATE).toBe(false)
    await Promise.all(proxies.map((proxy) => proxy.pass()))
    await expect.poll(() => redis.available, UNTIL_LATE).toBe(true)
  })

  test('killed, frozen and restarted as a whole, it is away in between', { timeout: 60_000 }, async () => {
    const cluster = await startRedisCluster({ password: PASSWORD })
    onTestFinished(() => cluster.close())
    const hub = createRedisHub()
    onTestFinished(() => hub.close())
    const subject = redisSubject(hub.lease({ url: cluster.url.replace('redis:', 'redis+cluster:') }))
    await expect(subject.whenReady()).resolves.toBe(true)
    await cluster.freeze()
    await liveThrough(subject, 1_500)
    expect(subject.available).toBe(false)
    await cluster.thaw()
    await recovered(subject)
    await cluster.kill()
    await liveThrough(subject, 1_000)
    expect(subject.available).toBe(false)
    await cluster.restart()
    await recovered(subject)
  })
})
