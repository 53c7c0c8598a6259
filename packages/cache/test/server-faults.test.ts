import { type Cache, type CacheBackend, createCache } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { BackendUnavailableError, type Closable } from '@plinth/core'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { startMemcached, startRedis, startRedisCluster } from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

/** What is done to a server, and to the processes that use it. */
interface Victim extends Closable {
  freeze(): Promise<void>
  thaw(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
  /** Opens a backend of one process. */
  open(deadline: number): Promise<{ readonly backend: CacheBackend; readonly parts: readonly Closable[] }>
}

const DEADLINE_MS = 250
/** For events that come as soon as the machine lets them. */
const PATIENCE = { timeout: 30_000, interval: 50 }
const KEYS = ['user:1', 'post:1', 'note:1'] as const

async function redisVictim(kind: typeof redisBackend | typeof tieredBackend): Promise<Victim> {
  const server = await startRedis({ aof: true }) // what was stored is there again after a kill
  return victim(server, async (deadline) => {
    const connection = await openRedis({ url: server.url })
    const backend = kind(connection, { deadline })
    return { backend, parts: [backend, connection] }
  })
}

async function clusterVictim(kind: typeof redisBackend | typeof tieredBackend): Promise<Victim> {
  const cluster = await startRedisCluster()
  const nodes = cluster.masters.map(({ host, port }) => ({ host, port }))
  return victim(cluster, async (deadline) => {
    const connection = await openRedis({ cluster: nodes })
    const backend = kind(connection, { deadline })
    return { backend, parts: [backend, connection] }
  })
}

async function memcachedVictim(): Promise<Victim> {
  const server = await startMemcached()
  return victim(server, async (deadline) => {
    const connection = openMemcached({ servers: `${server.host}:${server.port}` })
    await connection.whenReady()
    return { backend: memcachedBackend(connection, { deadline }), parts: [connection] }
  })
}

function victim(server: Omit<Victim, 'open'>, open: Victim['open']): Victim {
  return {
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    close: () => server.close(),
    open,
  }
}

const victims: Readonly<Record<string, () => Promise<Victim>>> = {
  redis: () => redisVictim(redisBackend),
  'redis behind copies in memory': () => redisVictim(tieredBackend),
  cluster: () => clusterVictim(redisBackend),
  'cluster behind copies in memory': () => clusterVictim(tieredBackend),
  memcached: memcachedVictim,
}

interface Fault {
  begin(server: Victim, cache: Cache): Promise<unknown>
  end(server: Victim): Promise<unknown>
}

const faults: Readonly<Record<string, Fault>> = {
  'is frozen': { begin: (server) => server.freeze(), end: (server) => server.thaw() },
  'is killed in the middle of commands': {
    begin: async (server, cache) => {
      await server.freeze()
      const commands = [cache.get('user:1'), cache.invalidateTags('other'), cache.set('other', 1)]
      await server.kill()
      await Promise.all(commands)
    },
    end: (server) => server.restart(),
  },
}

async function run(server: Victim, fault: Fault): Promise<void> {
  const [near, far] = [await server.open(DEADLINE_MS), await server.open(5_000)]
  const caches = [near, far].map(({ backend }) => createCache({ backend, prefix: 'shop' })) as [Cache, Cache]
  const [cache, other] = caches
  try {
    await vi.waitFor(async () => {
      await cache.set('user:1', 'old', { tags: ['users'] })
      await cache.set('post:1', 'old', { tags: ['posts'] })
      await cache.set('note:1', 'old')
      expect(await cache.getMany(KEYS)).toEqual(['old', 'old', 'old'])
      expect(await other.getMany(KEYS)).toEqual(['old', 'old', 'old'])
    }, PATIENCE)
    await fault.begin(server, cache)

    let loads = 0
    const load = async (): Promise<string> => {
      const load = ++loads
      await new Promise((resolve) => setTimeout(resolve, 1))
      return `loaded ${load}`
    }
    expect(await Promise.all([cache.getOrSet('new', load), cache.getOrSet('new', load)])).toEqual([
      'loaded 1',
      'loaded 1',
    ])
    await cache.invalidateTags('users')
    await cache.delete('post:1')
    await cache.set('note:1', 'new')
    // Once it is known that the server is away, nobody waits for it: at a deadline each these would take longer than a minute.
    for (let read = 0; read < 300; read++) await cache.getOrSet(`cold:${read}`, load)
    expect(loads).toBe(301)
    expect(await cache.getMany(KEYS)).not.toContain('old')
    await expect(cache.increment('n')).rejects.toBeInstanceOf(BackendUnavailableError)

    const recovered = new Promise((resolve) => cache.onRecovered(resolve))
    await fault.end(server)
    await recovered
    expect(await cache.getMany(KEYS)).not.toContain('old')
    await vi.waitFor(async () => expect(await other.getMany(KEYS)).not.toContain('old'), PATIENCE)
    await vi.waitFor(async () => {
      await cache.set('user:1', 'fresh', { tags: ['users'] })
      expect(await cache.get('user:1')).toBe('fresh')
      expect(await other.get('user:1')).toBe('fresh')
    }, PATIENCE)
    for (const seen of caches) expect((await seen.getMany(KEYS)).slice(1)).not.toContain('old')
  } finally {
    for (const part of [...caches, ...near.parts, ...far.parts]) await part.close()
  }
}

for (const [name, open] of Object.entries(victims)) {
  describe.concurrent(`when the server of ${name}`, () => {
    for (const [what, fault] of Object.entries(faults)) {
      it(`${what}, reads go on at once, invalidations take effect after it, and nothing stale is served`, {
        timeout: 120_000,
      }, async () => {
        const server = await open()
        try {
          await run(server, fault)
        } finally {
          await server.close()
        }
      })
    }
  })
}
