import { randomBytes } from 'node:crypto'
import { closeWithFile } from './file-scope.js'
import { askManagement } from './rabbitmq.js'
import { type RedisOptions, type RedisServer, startRedis } from './redis.js'
import type { FixtureScope } from './register-checks.js'
import { poolVariable, ServerPool, type SharedServer, type SharedServerAddress } from './server-pool.js'

let ownPool: ServerPool | undefined

/** Asks the test run; outside of one, such as in a benchmark, this process has a pool of its own. */
async function shared(kind: SharedServer): Promise<SharedServerAddress> {
  const poolUrl = process.env[poolVariable]
  if (poolUrl === undefined) {
    ownPool ??= new ServerPool()
    return ownPool.address(kind)
  }
  const answer = await fetch(`${poolUrl}/${kind}`, { headers: { connection: 'close' } })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return JSON.parse(text) as SharedServerAddress
}

/** The URL of the Redis that the whole test run shares. Use keys under {@link freshPrefix}; never flush it, stop it or fill it. */
export async function sharedRedis(): Promise<string> {
  return (await shared('redis')).url
}

/** The URL of one node of the Redis Cluster (3 masters, 3 replicas) that the whole test run shares; the same rules as for {@link sharedRedis}. */
export async function sharedRedisCluster(): Promise<string> {
  return (await shared('redis-cluster')).url
}

/** The address `127.0.0.1:PORT` of the Memcached that the whole test run shares; the same rules as for {@link sharedRedis}. */
export async function sharedMemcached(): Promise<string> {
  return (await shared('memcached')).url
}

/** The URL of the RabbitMQ that the whole test run shares, on its default vhost. Most tests want {@link freshVhost}. */
export async function sharedRabbitmq(): Promise<string> {
  return (await shared('rabbitmq')).url
}

/** The URL of an empty vhost of the shared RabbitMQ, removed when `scope` is over; without one, when the test file is. */
export async function freshVhost(scope: Pick<FixtureScope, 'onClose'> = { onClose: closeWithFile }): Promise<string> {
  const { url, managementUrl } = await shared('rabbitmq')
  if (managementUrl === undefined) throw new Error('The shared RabbitMQ has no management API.')
  const vhost = freshPrefix('vhost')
  await askManagement(managementUrl, 'PUT', `/api/vhosts/${vhost}`)
  await askManagement(managementUrl, 'PUT', `/api/permissions/${vhost}/guest`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  scope.onClose(() => askManagement(managementUrl, 'DELETE', `/api/vhosts/${vhost}`))
  return `${url}/${vhost}`
}

/** A Redis server of one's own, ended when the test file is over. */
export async function freshRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options)
  closeWithFile(() => server.close())
  return server
}

/** A name that no other test uses, such as `cache-9f86d081884c`. */
export function freshPrefix(name = 'test'): string {
  return `${name}-${randomBytes(6).toString('hex')}`
}

/** Ends the servers of a process that shares none with a test run. Does nothing within one. */
export async function closeSharedServers(): Promise<void> {
  const pool = ownPool
  ownPool = undefined
  await pool?.close()
}
