import { freshPrefix, type RabbitmqServer, type Server, startRabbitmq, startRedis } from '@plinth/testing'
import type { BrokerPlace } from './broker-place.js'

/** Whether the long forms run: more tasks, more faults. */
export const isLong: boolean = process.env.PLINTH_LONG === '1'

/** A server of the test file's own, with everything that is done to it. */
export interface FaultBed {
  /** To be killed, frozen and started again. What it confirmed survives that. */
  readonly server: Server
  /** An empty place on it. */
  place(options?: { readonly hasty?: boolean }): Promise<BrokerPlace>
}

/** A Redis that writes everything to disk before it answers. */
export async function redisBed(): Promise<FaultBed> {
  const server = await startRedis({ aof: true })
  return {
    server,
    place: async (options) => ({ kind: 'redis', url: server.url, prefix: freshPrefix('tasks'), ...options }),
  }
}

/**
 * A RabbitMQ as it comes. One that is `lasting` is never killed: its places begin as those of a server that has been used
 * for a while, where nothing waits until a new stream can be relied on.
 */
export async function rabbitmqBed({ lasting = false } = {}): Promise<FaultBed & { readonly server: RabbitmqServer }> {
  const server = await startRabbitmq()
  const place = async (options = {}): Promise<BrokerPlace> => {
    const vhost = freshPrefix('tasks')
    await server.api('PUT', `/api/vhosts/${vhost}`)
    await server.api('PUT', `/api/permissions/${vhost}/guest`, { configure: '.*', write: '.*', read: '.*' })
    const kept = { type: 'fanout', durable: true }
    if (lasting) await server.api('PUT', `/api/exchanges/${vhost}/plinth.ledger.v1.fate`, kept)
    return { kind: 'rabbitmq', url: `${server.url}/${vhost}`, ...options }
  }
  return { server, place }
}
