import type { Cluster } from 'ioredis'
import { withDeadline } from '../deadline.js'
import { isCluster } from './create-client.js'
import type { RedisClient } from './redis-connection.js'
import type { ResolvedTarget } from './redis-target.js'

/**
 * Asks a server whether it is what the target says and takes writes; rejects with the server's own words when not.
 *
 * `HELLO` without arguments tells role and mode and needs no permission; a server too old for it, or a proxy, is asked
 * by `PING` instead. `SELECT` is awaited, because the one that ioredis sends fails in silence.
 */
export async function verifyRedis(client: RedisClient, target: ResolvedTarget): Promise<void> {
  if (isCluster(client)) {
    await Promise.all([verifyNode(client), connectNodes(client)])
    return
  }
  const select = target.db === 0 || 'client' in target.place ? undefined : client.call('SELECT', target.db)
  const [facts] = await Promise.all([serverFacts(client), client.ping(), select])
  if (facts.get('role') === 'replica') throw new Error('READONLY The server is a replica.')
  if (facts.get('mode') === 'cluster') throw new Error('MOVED 0 The server is part of a Redis Cluster.')
}

/**
 * Asks a node of a Cluster, or any of them, whether it takes commands. `PING` does not tell: a node that lost the majority
 * of the others answers it, and refuses everything else.
 */
export async function verifyNode(node: RedisClient): Promise<void> {
  const info = String(await node.cluster('INFO'))
  if (!info.includes('cluster_state:ok')) throw new Error('CLUSTERDOWN The cluster is down.')
}

/** How long the nodes of a Cluster have to connect before it counts without them, in milliseconds. */
const NODES_MS = 400

/** ioredis connects to a node at its first command, and refuses every other command to it until then. */
async function connectNodes(cluster: Cluster): Promise<void> {
  const waiting = cluster.nodes('master').filter((node) => node.status === 'wait')
  const connected = Promise.allSettled(waiting.map((node) => node.connect()))
  await withDeadline(connected, { deadlineMs: NODES_MS, onDeadline: () => new Error('late') }).catch(() => {})
}

async function serverFacts(client: RedisClient): Promise<ReadonlyMap<string, string>> {
  try {
    const reply = await client.call('HELLO')
    return Array.isArray(reply) ? pairs(reply) : new Map()
  } catch (error) {
    if (error instanceof Error && /^(ERR unknown command|ERR wrong number|NOPERM)/i.test(error.message))
      return new Map()
    throw error
  }
}

function pairs(flat: readonly unknown[]): ReadonlyMap<string, string> {
  const map = new Map<string, string>()
  for (let index = 0; index + 1 < flat.length; index += 2) map.set(String(flat[index]), String(flat[index + 1]))
  return map
}
