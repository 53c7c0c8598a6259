import type { Cluster, Redis } from 'ioredis'
import { joinWrites } from '../join-writes.js'
import { type ClientRequest, clusterOptions, nodeClientOptions, standaloneOptions } from './client-options.js'
import { loadIoredis } from './load-ioredis.js'
import type { RedisClient } from './redis-connection.js'
import type { ResolvedTarget } from './redis-target.js'

/** Makes a client of ioredis for a role; it begins to connect at once, and `inspect` and JSON show nothing of its inside. */
export function createClient(target: ResolvedTarget, request: ClientRequest): RedisClient {
  const { Cluster, Redis } = loadIoredis()
  const { place } = target
  if ('client' in place) return hideInside(duplicate(request.node ?? place.client, request), target.target)
  if (request.node !== undefined) return hideInside(new Redis(nodeClientOptions(target, request)), target.target)
  const client =
    'cluster' in place
      ? new Cluster([...place.cluster], clusterOptions(target, request))
      : new Redis(standaloneOptions(target, request))
  if (request.role === 'shared') joinCommands(client)
  return hideInside(client, target.target)
}

/**
 * Commands that are sent in one turn go out together, over every connection that the client makes; the first one before
 * them while the server owes no answer.
 */
function joinCommands(client: RedisClient): void {
  if (isCluster(client)) {
    client.on('+node', joinCommands)
    return
  }
  const isIdle = (): boolean => client.commandQueue.length === 0
  client.on('connect', () => joinWrites((client as { readonly stream?: unknown }).stream, isIdle))
}

/** Tells the two kinds of client apart. */
export function isCluster(client: RedisClient): client is Cluster {
  return client.isCluster
}

/** Everything about a lent client is its owner's choice, but for what the role needs. */
function duplicate(
  client: RedisClient,
  { role, nextDelayMs, node, protocol, resubscribe = true }: ClientRequest,
): RedisClient {
  const own = {
    // the client of a node leaves it to its Cluster to connect, and connects once
    ...(node === undefined ? {} : { lazyConnect: false, retryStrategy: nextDelayMs }),
    autoResubscribe: resubscribe,
    ...(role === 'blocking' ? { maxRetriesPerRequest: null } : {}),
    ...(protocol === undefined ? {} : { protocol }),
  }
  if (isCluster(client)) return client.duplicate([], { enableOfflineQueue: true, redisOptions: own })
  return client.duplicate({ enableOfflineQueue: true, ...own })
}

/** A client holds its password in plain text: `console.log(redis.client)` must not show it. */
function hideInside<Client extends Redis | Cluster>(client: Client, target: string): Client {
  const show = (): object => ({ target, status: client.status })
  for (const key of [Symbol.for('nodejs.util.inspect.custom'), 'toJSON']) {
    Object.defineProperty(client, key, { value: show, enumerable: false })
  }
  return client
}
