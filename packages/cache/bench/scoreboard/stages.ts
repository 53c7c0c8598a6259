import {
  freshPrefix,
  type RedisAddress,
  redisCommand,
  startMemcached,
  startRedis,
  startRedisCluster,
  tcpProxy,
} from '@plinth/testing'
import type { Player, Setup, Stage } from './player.js'
import { textCommand } from './text-command.js'

/** Opens a player on a server. A prefix of its own keeps it apart from other stages on the same server. */
export type OpenPlayer = (address: string, setup: Setup, prefix: string) => Promise<Player>

/** Nothing listens there. */
const NOWHERE = '127.0.0.1:1'

/** A Redis of its own, behind a proxy. */
export async function redisStage(open: OpenPlayer): Promise<Stage> {
  const server = await startRedis()
  const proxy = await tcpProxy(server)
  const prefix = freshPrefix('board')
  const keyspace = redisKeyspace([{ host: server.host, port: server.port }])
  return {
    open: (setup) => open(proxy.url, setup, prefix),
    openAway: () => open(`redis://${NOWHERE}`, 'outage', prefix),
    ...keyspace,
    faults: { kill: () => server.kill(), silence: () => proxy.blackHole(), freeze: () => server.freeze() },
    close: async () => {
      await proxy.close()
      await server.close()
    },
  }
}

/** A Redis Cluster of three masters: one for everybody who does it no harm. */
export class ClusterStages {
  #shared: ReturnType<typeof startRedisCluster> | undefined

  async stage(open: OpenPlayer): Promise<Stage> {
    this.#shared ??= startRedisCluster()
    const cluster = await this.#shared
    const prefix = freshPrefix('board')
    const nodes = cluster.masters.map(({ host, port }) => ({ host, port }))
    const harmed: (() => Promise<void>)[] = []
    /** Nodes are met at their own addresses, which no proxy can stand before: silence is a server that stands still. */
    const harm = (fault: 'kill' | 'freeze', mend: 'restart' | 'thaw') => async () => {
      harmed.push(() => cluster[mend]())
      await cluster[fault]()
    }
    return {
      open: (setup) => open(cluster.url, setup, prefix),
      openAway: () => open(`redis://${NOWHERE}`, 'outage', prefix),
      ...redisKeyspace(nodes),
      faults: {
        kill: harm('kill', 'restart'),
        silence: harm('freeze', 'thaw'),
        freeze: harm('freeze', 'thaw'),
      },
      close: async () => {
        for (const mend of harmed) await mend()
        if (harmed.length > 0) await this.close()
      },
    }
  }

  async close(): Promise<void> {
    const shared = this.#shared
    this.#shared = undefined
    await (await shared)?.close()
  }
}

/** A Memcached of its own, behind a proxy. */
export async function memcachedStage(open: OpenPlayer): Promise<Stage> {
  const server = await startMemcached()
  const proxy = await tcpProxy(server)
  const prefix = freshPrefix('board')
  const ask = (command: string): Promise<string> => textCommand(server, command)
  return {
    open: (setup) => open(proxy.url, setup, prefix),
    openAway: () => open(NOWHERE, 'outage', prefix),
    evict: async (tag) => {
      const lines = (await ask('lru_crawler metadump all')).split('\n')
      const keys = lines.map((line) => decodeURIComponent(/^key=(\S+)/.exec(line)?.[1] ?? ''))
      for (const key of keys) if (key.includes(tag)) await ask(`delete ${key}`)
    },
    foreign: async () => {
      await ask('set somebody-else 0 0 4\r\nhere')
      return async () => (await ask('get somebody-else')).includes('here')
    },
    faults: { kill: () => server.kill(), silence: () => proxy.blackHole(), freeze: () => server.freeze() },
    close: async () => {
      await proxy.close()
      await server.close()
    },
  }
}

function redisKeyspace(nodes: readonly RedisAddress[]): Required<Pick<Stage, 'evict' | 'foreign'>> {
  const onAll = async (...command: readonly string[]): Promise<unknown[]> =>
    Promise.all(nodes.map((node) => redisCommand(node, ...command)))
  return {
    evict: async (tag, value) => {
      for (const node of nodes) {
        const keys = (await redisCommand(node, 'KEYS', `*${tag}*`)) as string[]
        for (const key of keys) {
          // A key of another type is a record; one that holds the value is an entry.
          const text = await redisCommand(node, 'GET', key).catch(() => '')
          if (!String(text).includes(value)) await redisCommand(node, 'DEL', key)
        }
      }
    },
    foreign: async () => {
      const name = freshPrefix('somebody-else')
      // One node of a cluster takes it, the others say where it belongs.
      await Promise.allSettled(nodes.map((node) => redisCommand(node, 'SET', name, 'here')))
      return async () => (await onAll('KEYS', name)).flat().length === 1
    },
  }
}
