import { createServer, type Server as HttpServer } from 'node:http'
import { startMemcached } from './memcached.js'
import { startRabbitmq } from './rabbitmq.js'
import { startRedis } from './redis.js'
import { startRedisCluster } from './redis-cluster.js'

/** The variable in which a test run tells its workers where its servers can be asked for. */
export const poolVariable = 'PLINTH_TEST_SERVERS'

/** The servers that a test run shares. */
export type SharedServer = 'redis' | 'redis-cluster' | 'memcached' | 'rabbitmq'

/** What a worker is told about a shared server. */
export interface SharedServerAddress {
  readonly url: string
  readonly managementUrl?: string
}

interface Started {
  readonly address: SharedServerAddress
  close(): Promise<void>
}

const starters: Readonly<Record<SharedServer, () => Promise<Started>>> = {
  redis: async () => {
    const { url, close } = await startRedis()
    return { address: { url }, close }
  },
  'redis-cluster': async () => {
    const { url, close } = await startRedisCluster()
    return { address: { url }, close }
  },
  memcached: async () => {
    const { url, close } = await startMemcached()
    return { address: { url }, close }
  },
  rabbitmq: async () => {
    const { url, managementUrl, close } = await startRabbitmq()
    return { address: { url, managementUrl }, close }
  },
}

/** One server of each kind for a whole test run, started when it is first asked for. */
export class ServerPool {
  readonly #started = new Map<SharedServer, Promise<Started>>()

  async address(kind: SharedServer): Promise<SharedServerAddress> {
    const started = this.#started.get(kind) ?? starters[kind]()
    this.#started.set(kind, started)
    return (await started).address
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.#started.values())
    this.#started.clear()
    await Promise.all(all.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)))
  }
}

function isSharedServer(kind: string): kind is SharedServer {
  return Object.hasOwn(starters, kind)
}

/** Answers `GET /KIND` on loopback with the address of that server of `pool`, for the other processes of the run. */
export async function servePool(pool: ServerPool): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const kind = (request.url ?? '').slice(1)
    const answer = isSharedServer(kind) ? pool.address(kind) : Promise.reject(new Error(`No such server: ${kind}`))
    answer.then(
      (address) => response.end(JSON.stringify(address)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.unref()
  return { url: await listen(server), close: () => closeHttp(server) }
}

function listen(server: HttpServer): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(`http://127.0.0.1:${address.port}`)
    })
  })
}

function closeHttp(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
