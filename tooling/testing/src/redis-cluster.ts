import { requireBinary } from './find-binary.js'
import { freePort } from './free-port.js'
import { launch, type RedisServer } from './redis.js'
import { onFreePort } from './server-process.js'
import { untilAll } from './until-all.js'

/** How a cluster for tests differs from one without a password that is patient. */
export interface RedisClusterOptions {
  /** Asked from every client and between the nodes. Default: none. */
  readonly password?: string | undefined
  /** After how many milliseconds of silence a node is taken for dead. Default: 1000. */
  readonly nodeTimeout?: number | undefined
  /** Answers the port under which clients are told to find the node on `port`, such as that of a proxy before it. Default: its own. */
  readonly announce?: ((port: number) => Promise<number>) | undefined
  /** Further lines of redis.conf for every node. */
  readonly config?: readonly string[] | undefined
}

/** A Redis Cluster started for a test: each node is a server of its own that can be killed, frozen and restarted. */
export interface RedisCluster extends AsyncDisposable {
  /** The first node: a client finds the others by itself. */
  readonly url: string
  readonly masters: Three
  /** The replica of each master, in the order of the masters. */
  readonly replicas: Three
  readonly nodes: readonly RedisServer[]
  /** Ends all nodes (SIGTERM); their data are kept. */
  stop(): Promise<void>
  /** Ends all nodes at once (SIGKILL). */
  kill(): Promise<void>
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Starts all nodes again on the same ports and waits until the cluster serves every slot. */
  restart(): Promise<void>
  /** Ends all nodes for good and removes their data. */
  close(): Promise<void>
}

type Three = readonly [RedisServer, RedisServer, RedisServer]

const slotCount = 16_384

/** Starts a Redis Cluster of three masters and their replicas; it forms in about 2 s. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { nodeTimeout = 1_000, password, announce = async (port) => port, config } = options
  const file = requireBinary('redis-server')
  const clusterArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeout)]
  const authArgs = password === undefined ? [] : ['--masterauth', password]
  const extraArgs = [...clusterArgs, ...authArgs]
  const startNode = (): Promise<RedisServer> =>
    onFreePort(
      () => freePort([10_000]),
      async (port) => {
        const announceArgs = ['--cluster-announce-port', String(await announce(port))]
        return launch({ file, port, options: { password, config }, extraArgs: [...extraArgs, ...announceArgs] })
      },
    )

  const settled = await Promise.allSettled(Array.from({ length: 6 }, startNode))
  const nodes = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const onEach = async (act: (node: RedisServer) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.map(act))
  }
  const close = (): Promise<void> => onEach((node) => node.close())
  try {
    for (const result of settled) if (result.status === 'rejected') throw result.reason
    await form(three(nodes, 0), three(nodes, 3))
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: three(nodes, 0)[0].url,
    masters: three(nodes, 0),
    replicas: three(nodes, 3),
    nodes,
    stop: () => onEach((node) => node.stop()),
    kill: () => onEach((node) => node.kill()),
    freeze: () => onEach((node) => node.freeze()),
    thaw: () => onEach((node) => node.thaw()),
    restart: async () => {
      await onEach((node) => node.restart())
      await untilAll(nodes, servesAllSlots)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function form(masters: Three, replicas: Three): Promise<void> {
  const nodes = [...masters, ...replicas]
  await Promise.all(nodes.map((node, index) => node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)))
  await Promise.all(masters.map((master, index) => master.command('CLUSTER', 'ADDSLOTS', ...slotsOf(index))))
  const [meeting] = masters
  for (const node of nodes.slice(1)) await node.command('CLUSTER', 'MEET', meeting.host, meeting.port)
  await untilAll(nodes, async (node) => (await clusterInfo(node)).includes(`cluster_known_nodes:${nodes.length}`))
  await Promise.all(replicas.map((replica, index) => replicate(replica, masters[index] ?? meeting)))
  await untilAll(replicas, isLinked)
  await untilAll(nodes, servesAllSlots)
  await untilAll(masters, async (master) => {
    const lines = String(await master.command('CLUSTER', 'NODES')).split('\n')
    return lines.filter((line) => /slave/.test(line) && !/fail|handshake/.test(line)).length === replicas.length
  })
}

/** A node that has heard of its master only by gossip may refuse for a moment ("Unknown node"). */
async function replicate(replica: RedisServer, master: RedisServer): Promise<void> {
  const masterId = String(await master.command('CLUSTER', 'MYID'))
  await untilAll([replica], async () => (await replica.command('CLUSTER', 'REPLICATE', masterId)) === 'OK')
}

async function clusterInfo(node: RedisServer): Promise<string> {
  return String(await node.command('CLUSTER', 'INFO'))
}

async function servesAllSlots(node: RedisServer): Promise<boolean> {
  const info = await clusterInfo(node)
  return info.includes('cluster_state:ok') && info.includes(`cluster_slots_ok:${slotCount}`)
}

async function isLinked(replica: RedisServer): Promise<boolean> {
  return String(await replica.command('INFO', 'replication')).includes('master_link_status:up')
}

function slotsOf(index: number): number[] {
  const from = Math.floor((index * slotCount) / 3)
  const to = Math.floor(((index + 1) * slotCount) / 3)
  return Array.from({ length: to - from }, (_, offset) => from + offset)
}

function three(nodes: readonly RedisServer[], from: number): Three {
  const [first, second, third] = nodes.slice(from, from + 3)
  if (!first || !second || !third) throw new Error('A cluster has three masters and three replicas.')
  return [first, second, third]
}
