import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Env } from '@plinth/config'
import { type RedisServer, type Server, startMemcached, startRedis, startRedisCluster, tcpProxy } from '@plinth/testing'
import { Redis } from 'ioredis'
import { until } from './until.js'

/** Planted as the password of every backend; must be seen nowhere. */
export const SECRET = 'hunter2-that-nobody-may-see'

/** A backend that everything can happen to: its network goes through proxies, its processes are at hand. */
export interface BackendRig {
  /** Points an app at it. */
  readonly env: Env
  /** The components that then live on it. */
  readonly components: readonly string[]
  /** The network in front of it. */
  readonly network: {
    pass(): Promise<void>
    refuse(): Promise<void>
    blackHole(): Promise<void>
    reset(): Promise<void>
    delay(ms: number): Promise<void>
  }
  readonly server: Pick<Server, 'kill' | 'stop' | 'freeze' | 'thaw'> & {
    /** Starts it again, where it was, and resolves when it serves. */
    restart(): Promise<void>
    /** As `restart`, of a server that has much to load; resolves as soon as it is loading. */
    restartLoading(): Promise<void>
    /** Resolves when it serves. */
    serves(): Promise<void>
    /** Makes it a replica, as a failover does to a former master, or lets the replicas of a Cluster take over. */
    demote(): Promise<void>
    /** Takes back {@link demote}. */
    promote(): Promise<void>
    /** Takes every place that is left for clients, and breaks off those who are there. */
    fill(): Promise<void>
    /** Leaves the places that {@link fill} took. */
    leave(): Promise<void>
  }
  close(): Promise<void>
}

/** A Redis with databases for cache, limits and tasks. */
export async function redisRig(): Promise<BackendRig> {
  const server = await startRedis({ password: SECRET, config: LOADING_SLOWLY })
  const proxy = await tcpProxy(server)
  const nodes = new RedisNodes([server])
  return {
    env: { REDIS_URL: proxy.url, CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' },
    components: ['cache', 'rateLimiter', 'tasks'],
    network: proxy,
    server: {
      ...lifeOf(server),
      restart: () => server.restart(),
      restartLoading: () => nodes.restartLoading(),
      serves: () => nodes.serve((node) => node.command('PING'), 'PONG'),
      demote: async () => void (await server.command('REPLICAOF', '127.0.0.1', '1')),
      promote: async () => void (await server.command('REPLICAOF', 'NO', 'ONE')),
      fill: async () => {
        await nodes.limitClients(1)
        proxy.cut()
      },
      leave: () => nodes.limitClients(10_000),
    },
    async close() {
      await proxy.close()
      await server.close()
    },
  }
}

/** A Redis Cluster whose nodes tell clients the ports of the proxies before them. */
export async function clusterRig(): Promise<BackendRig> {
  const proxies: Awaited<ReturnType<typeof tcpProxy>>[] = []
  const announce = async (port: number): Promise<number> => {
    const proxy = await tcpProxy(`127.0.0.1:${port}`)
    proxies.push(proxy)
    return proxy.port
  }
  const cluster = await startRedisCluster({ password: SECRET, config: LOADING_SLOWLY, announce })
  const nodes = new RedisNodes(cluster.nodes)
  const all = async (act: (proxy: (typeof proxies)[number]) => Promise<void>): Promise<void> => {
    await Promise.all(proxies.map(act))
  }
  const hosts = proxies.map((proxy) => `127.0.0.1:${proxy.port}`).join(',')
  const serves = (): Promise<void> => nodes.serve((node) => node.command('CLUSTER', 'INFO'), 'cluster_state:ok')
  return {
    env: {
      REDIS_URL: `redis+cluster://:${SECRET}@${hosts}`,
      ...{ CACHE_REDIS_DB: '0', RATE_LIMITER_REDIS_DB: '0', TASKS_REDIS_DB: '0' },
      ...{ CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' },
    },
    components: ['cache', 'rateLimiter', 'tasks'],
    network: {
      pass: () => all((proxy) => proxy.pass()),
      refuse: () => all((proxy) => proxy.refuse()),
      blackHole: () => all((proxy) => proxy.blackHole()),
      reset: () => all((proxy) => proxy.reset()),
      delay: (ms) => all((proxy) => proxy.delay(ms)),
    },
    server: {
      ...lifeOf(cluster),
      restart: () => cluster.restart(),
      restartLoading: () => nodes.restartLoading(),
      serves,
      async demote() {
        // What was a replica at the start may have taken over since.
        const roles = await Promise.all(
          [...cluster.masters, ...cluster.replicas].map(async (node) => ({ node, role: await node.command('ROLE') })),
        )
        const replicas = roles.filter(({ role }) => Array.isArray(role) && role[0] === 'slave')
        await Promise.all(replicas.map(({ node }) => node.command('CLUSTER', 'FAILOVER')))
      },
      promote: serves,
      async fill() {
        await nodes.limitClients(1)
        for (const proxy of proxies) proxy.cut()
      },
      leave: () => nodes.limitClients(10_000),
    },
    async close() {
      await all((proxy) => proxy.close())
      await cluster.close()
    },
  }
}

const MEMCACHED_PLACES = 16

/** A Memcached for cache and limits. */
export async function memcachedRig(): Promise<BackendRig> {
  const sasl = { username: 'ada', password: SECRET }
  const server = await startMemcached({ sasl, maxConnections: MEMCACHED_PLACES })
  const proxy = await tcpProxy(server)
  let holders: PlaceHolder[] = []
  const servers = `${proxy.host}:${proxy.port}`
  return {
    env: {
      MEMCACHED_SERVERS: servers,
      ...{ CACHE_BACKEND: 'memcached', CACHE_MEMCACHED_USERNAME: 'ada', CACHE_MEMCACHED_PASSWORD: SECRET },
      ...{ RATE_LIMITER_BACKEND: 'memcached', RATE_LIMITER_MEMCACHED_USERNAME: 'ada' },
      RATE_LIMITER_MEMCACHED_PASSWORD: SECRET,
    },
    components: ['cache', 'rateLimiter'],
    network: proxy,
    server: {
      ...lifeOf(server),
      restart: () => server.restart(),
      restartLoading: notThere,
      serves: async () => {},
      demote: notThere,
      promote: notThere,
      async fill() {
        holders = Array.from({ length: 2 * MEMCACHED_PLACES }, () => new PlaceHolder(server.port))
        // Nobody else may ask for a place while those who wait take all that are left, also late.
        await proxy.refuse()
        await until('was the server full', () => staysFull(server.port))
        await proxy.pass()
      },
      async leave() {
        for (const holder of holders.splice(0)) holder.leave()
      },
    },
    async close() {
      for (const holder of holders) holder.leave()
      await proxy.close()
      await server.close()
    },
  }
}

/** Keys to load, and how slowly each is loaded, in microseconds: about five seconds in all. */
const KEYS = 500
const LOADING_SLOWLY = ['key-load-delay 10000', 'loading-process-events-interval-bytes 1024']

/** The processes of a single Redis or of a Cluster. */
class RedisNodes {
  readonly #nodes: readonly RedisServer[]
  readonly #admins = new Map<RedisServer, Redis>()

  constructor(nodes: readonly RedisServer[]) {
    this.#nodes = nodes
  }

  async serve(ask: (node: RedisServer) => Promise<unknown>, answer: string): Promise<void> {
    for (const node of this.#nodes) {
      await until(`answered ${answer}`, async () => String(await ask(node).catch(String)).includes(answer))
    }
  }

  /** Loads a snapshot of many keys, each of them slowly. */
  async restartLoading(): Promise<void> {
    await Promise.all(
      this.#nodes.map(async (node) => {
        await this.#fillWithKeys(node)
        await node.kill()
        void node.restart().catch(() => {})
      }),
    )
    await this.serve((node) => node.command('PING'), '') // it answers, be it LOADING
  }

  /** Over a connection that stays: a full server would not let anybody in to raise its limit. */
  async limitClients(count: number): Promise<void> {
    await Promise.all(this.#nodes.map((node) => this.#admin(node, count)))
  }

  async #admin(node: RedisServer, count: number): Promise<void> {
    let admin = this.#admins.get(node)
    if (admin === undefined) {
      admin = new Redis({
        host: node.host,
        port: node.port,
        password: SECRET,
        lazyConnect: true,
        enableReadyCheck: false,
      })
      admin.on('error', () => {})
      await admin.connect()
      this.#admins.set(node, admin)
    }
    await admin.config('SET', 'maxclients', count)
    if (count > 1) {
      this.#admins.delete(node)
      admin.disconnect()
    }
  }

  /** Under a hash tag whose slot the node holds, if it is one of a Cluster; a replica has its master's keys. */
  async #fillWithKeys(node: RedisServer): Promise<void> {
    const script = `for i = 1, ${KEYS} do redis.call('SET', KEYS[1] .. i, string.rep('v', 500)) end return 'OK'`
    for (let tag = 0; tag < 50; tag += 1) {
      const answer = await node.command('EVAL', script, 1, `{${tag}}loaded:`).catch(String)
      if (answer === 'OK' || !String(answer).includes('MOVED')) break
    }
    await node.command('SAVE')
  }
}

/** Whether a Memcached lets no newcomer in for a while: a place that is left just then is taken by whoever comes first. */
async function staysFull(port: number): Promise<boolean> {
  for (let look = 0; look < 25; look += 1) {
    const answer = await answerToNewcomer(port)
    if (answer === 'served') return false
    if (answer === 'none') return true
    await pause(20)
  }
  return true
}

/** How long a Memcached may take for its answer, in milliseconds. */
const SILENCE_MS = 2_000

/**
 * What one more client of a Memcached gets. That others are connected does not say so: its threads count them later. Once it is
 * out of file descriptors, as it is when it asks for a password just then, it accepts nobody at all until a client leaves.
 */
function answerToNewcomer(port: number): Promise<'served' | 'refused' | 'none'> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const settle = (answer: 'served' | 'refused' | 'none'): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('error', () => settle('refused'))
    socket.on('close', () => settle('refused'))
    socket.on('data', ([first]) => settle(first === BINARY_ANSWER ? 'served' : 'refused'))
    socket.setTimeout(SILENCE_MS, () => settle('none'))
    socket.write(ASK_VERSION)
  })
}

/** The request for the version in the binary protocol, and the byte with which every answer begins; a refusal is text. */
const ASK_VERSION = Buffer.concat([Buffer.from([0x80, 0x0b]), Buffer.alloc(22)])
const BINARY_ANSWER = 0x81

/** Takes one place among the clients of a server, and asks again until it has one. */
class PlaceHolder {
  readonly #port: number
  #socket: Socket | undefined
  #left = false

  constructor(port: number) {
    this.#port = port
    this.#take()
  }

  leave(): void {
    this.#left = true
    this.#socket?.destroy()
  }

  #take(): void {
    if (this.#left) return
    const socket = connect({ host: '127.0.0.1', port: this.#port })
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => setTimeout(() => this.#take(), 50))
    socket.resume()
  }
}

function lifeOf(server: Pick<Server, 'kill' | 'stop' | 'freeze' | 'thaw'>) {
  return {
    kill: () => server.kill(),
    stop: () => server.stop(),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
  }
}

function notThere(): never {
  throw new Error('This backend has nothing of the kind.')
}
