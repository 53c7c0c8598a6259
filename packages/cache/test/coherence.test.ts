import { type Cache, createCache } from '@plinth/cache'
import { tieredBackend } from '@plinth/cache/tiered'
import { keySlot, openRedis, type RedisTarget } from '@plinth/core/redis'
import {
  closeWithFile,
  freshRedis,
  type RedisServer,
  startRedisCluster,
  type TcpProxy,
  tcpProxy,
} from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

const isLong = process.env.PLINTH_LONG === '1'
/** Where the entry `key` lies, as another process knows it. */
const entryName = (key: string): string => `shop:v1/e/${key}`
const PATIENCE = { timeout: 40_000, interval: 50 }
/** Spread over every master. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']

async function openTiered(target: RedisTarget): Promise<Cache> {
  const connection = await openRedis(target)
  const backend = tieredBackend(connection)
  const cache = createCache({ backend, prefix: 'shop', ttl: '1h', early: 0, jitter: 0 })
  closeWithFile(async () => {
    for (const part of [cache, backend, connection]) await part.close()
  })
  return cache
}

/** Resolves when the cache answers `key` from memory: a value of its own, which nobody else has stored. */
async function untilCopied(cache: Cache, key: string, proxies: readonly TcpProxy[]): Promise<void> {
  const sent = (): number => proxies.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
  await vi.waitFor(async () => {
    await cache.set(key, 'old')
    for (let round = 0; round < 3; round++) await cache.get(key)
    const before = sent()
    for (let round = 0; round < 50; round++) expect(await cache.get(key)).toBe('old')
    expect(sent() - before).toBeLessThan(1_000) // heartbeats, not fifty reads
  }, PATIENCE)
}

/** Deletes the entry past every client, on whichever server holds it. */
async function deleteElsewhere(servers: readonly RedisServer[], key: string): Promise<void> {
  const answers = await Promise.allSettled(servers.map((server) => server.command('DEL', entryName(key))))
  expect(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))).toEqual([1])
}

async function untilGone(cache: Cache, key: string): Promise<void> {
  await vi.waitFor(async () => expect(await cache.get(key)).toBeUndefined(), PATIENCE)
}

/** A cluster whose clients reach every node through a proxy. */
async function clusterBehindProxies() {
  const proxies: TcpProxy[] = []
  const cluster = await startRedisCluster({
    announce: async (port) => {
      const proxy = await tcpProxy({ host: '127.0.0.1', port })
      proxies.push(proxy)
      return proxy.port
    },
  })
  closeWithFile(async () => {
    await cluster.close()
    for (const proxy of proxies) await proxy.close()
  })
  const seeds = proxies.map(({ host, port }) => ({ host, port }))
  return { cluster, proxies, target: { cluster: seeds } }
}

describe.concurrent('copies in this process', () => {
  it('are dropped within seconds when the connection that hears of changes breaks without a sign, and made again', {
    timeout: 120_000,
  }, async () => {
    const server = await freshRedis()
    const proxy = await tcpProxy(server)
    closeWithFile(() => proxy.close())
    const cache = await openTiered({ url: proxy.url })
    for (const key of isLong ? KEYS.slice(0, 3) : ['a']) {
      await untilCopied(cache, key, [proxy])
      proxy.halfOpen()
      await deleteElsewhere([server], key)
      const begun = performance.now()
      await untilGone(cache, key)
      if (isLong) expect(performance.now() - begun).toBeLessThan(3_500)
    }
    await untilCopied(cache, 'c', [proxy])
    await deleteElsewhere([server], 'c')
    await untilGone(cache, 'c')
  })

  it('are dropped on every master of a cluster when its connections break without a sign', {
    timeout: 120_000,
  }, async () => {
    const { cluster, proxies, target } = await clusterBehindProxies()
    const cache = await openTiered(target)
    for (const key of KEYS) await untilCopied(cache, key, proxies)
    for (const proxy of proxies) proxy.halfOpen()
    for (const key of KEYS) await deleteElsewhere(cluster.masters, key)
    for (const key of KEYS) await untilGone(cache, key)
    await untilCopied(cache, 'a', proxies)
    await deleteElsewhere(cluster.masters, 'a')
    await untilGone(cache, 'a')
  })

  it('are dropped when a replica takes over, and follow what happens there', { timeout: 120_000 }, async () => {
    const { cluster, proxies, target } = await clusterBehindProxies()
    const cache = await openTiered(target)
    for (const key of KEYS) await untilCopied(cache, key, proxies)
    const [first, ...others] = cluster.masters
    await first.kill()
    const left = [...others, ...cluster.replicas]
    for (const key of KEYS) await untilCopied(cache, key, proxies)
    for (const key of KEYS) await deleteElsewhere(await masters(left), key)
    for (const key of KEYS) await untilGone(cache, key)
  })

  it('are dropped when a slot goes to a node that was not there before, and follow what happens there', {
    timeout: 120_000,
  }, async () => {
    const { cluster, proxies, target } = await clusterBehindProxies()
    const cache = await openTiered(target)
    await untilCopied(cache, 'a', proxies)
    const [holder] = await Promise.all([holderOf(cluster.masters, entryName('a')), becomeEmptyMaster(cluster)])
    const heir = cluster.replicas[2]
    await moveSlot({ name: entryName('a'), holder, heir, masters: cluster.masters })
    await deleteElsewhere([heir], 'a')
    await untilGone(cache, 'a')
    await untilCopied(cache, 'a', proxies)
    await deleteElsewhere([heir], 'a')
    await untilGone(cache, 'a')
  })
})

async function masters(servers: readonly RedisServer[]): Promise<RedisServer[]> {
  const roles = await Promise.all(servers.map((server) => server.command('ROLE')))
  return servers.filter((_, index) => String(roles[index]).startsWith('master'))
}

async function holderOf(servers: readonly RedisServer[], name: string): Promise<RedisServer> {
  for (const server of servers) {
    if ((await server.command('EXISTS', name).catch(() => 0)) === 1) return server
  }
  throw new Error('No master holds the entry.')
}

const idOf = async (server: RedisServer): Promise<string> => String(await server.command('CLUSTER', 'MYID'))
const viewOf = async (server: RedisServer): Promise<string> => String(await server.command('CLUSTER', 'NODES'))

/** Makes the last replica a node of its own, which holds nothing and which everybody knows. */
async function becomeEmptyMaster(cluster: {
  readonly masters: readonly RedisServer[]
  readonly replicas: readonly [RedisServer, RedisServer, RedisServer]
}): Promise<void> {
  const heir = cluster.replicas[2]
  await heir.command('CLUSTER', 'RESET', 'SOFT')
  const id = await idOf(heir)
  for (const master of cluster.masters) await heir.command('CLUSTER', 'MEET', master.host, master.port)
  for (const server of [...cluster.masters, heir]) {
    await vi.waitFor(async () => {
      const lines = (await viewOf(server)).split('\n')
      expect(lines.filter((line) => /(?:^|,|\s)master\s/.test(line) || /myself,master/.test(line)).length).toBe(4)
      expect(lines.find((line) => line.startsWith(id))).toMatch(/master/)
      expect(String(await server.command('CLUSTER', 'INFO'))).toContain('cluster_state:ok')
    }, PATIENCE)
  }
}

async function moveSlot({
  name,
  holder,
  heir,
  masters,
}: {
  readonly name: string
  readonly holder: RedisServer
  readonly heir: RedisServer
  readonly masters: readonly RedisServer[]
}): Promise<void> {
  const slot = keySlot(name)
  const [holderId, heirId] = [await idOf(holder), await idOf(heir)]
  await heir.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', holderId)
  await holder.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', heirId)
  expect(await holder.command('MIGRATE', heir.host, heir.port, name, 0, 5_000)).toBe('OK')
  for (const server of [heir, holder, ...masters.filter((master) => master !== holder)]) {
    await server.command('CLUSTER', 'SETSLOT', slot, 'NODE', heirId)
  }
}
