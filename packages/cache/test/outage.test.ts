import { type Cache, createCache } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { BackendUnavailableError } from '@plinth/core'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import {
  freshPrefix,
  freshRedis,
  registerChecks,
  sharedMemcached,
  sharedRedis,
  type TcpProxy,
  tcpProxy,
} from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

/** Two processes' view of one cache; a proxy stands between the first and its server. */
interface Setup {
  readonly cache: Cache
  readonly other: Cache
  readonly proxy: TcpProxy
}

const deadline = 150
/** For events that come as soon as the machine lets them. */
const PATIENCE = { timeout: 30_000, interval: 50 }

async function onRedis(
  kind: typeof redisBackend | typeof tieredBackend,
  scope: { onClose(close: () => unknown): void },
): Promise<Setup> {
  const url = await sharedRedis()
  const proxy = await tcpProxy(url)
  const [near, far] = await Promise.all([openRedis({ url: proxy.url }), openRedis({ url })])
  const prefix = freshPrefix('outage')
  const [backend, otherBackend] = [kind(near, { deadline }), kind(far, { deadline: '5s' })]
  const cache = createCache({ backend, prefix })
  const other = createCache({ backend: otherBackend, prefix })
  scope.onClose(() => Promise.all([cache, other, backend, otherBackend, near, far, proxy].map((part) => part.close())))
  return { cache, other, proxy }
}

async function onMemcached(scope: { onClose(close: () => unknown): void }): Promise<Setup> {
  const servers = await sharedMemcached()
  const proxy = await tcpProxy(servers)
  const [near, far] = [openMemcached({ servers: proxy.url }), openMemcached({ servers })]
  await Promise.all([near.whenReady(), far.whenReady()])
  const prefix = freshPrefix('outage')
  const cache = createCache({ backend: memcachedBackend(near, { deadline }), prefix })
  const other = createCache({ backend: memcachedBackend(far, { deadline: '5s' }), prefix })
  scope.onClose(() => Promise.all([cache, other, near, far, proxy].map((part) => part.close())))
  return { cache, other, proxy }
}

const faults: Readonly<Record<string, (proxy: TcpProxy) => Promise<void>>> = {
  refuses: (proxy) => proxy.refuse(),
  'accepts and is silent': (proxy) => proxy.blackHole(),
}

const checks = Object.entries(faults).map(([fault, begin]) => ({
  name: `reads go on, invalidations are kept, and nothing stale is served afterwards, when the server ${fault}`,
  run: async ({ cache, other, proxy }: Setup) => {
    await vi.waitFor(async () => {
      await cache.set('user:1', 'old', { tags: ['users'] })
      await cache.set('post:1', 'old', { tags: ['posts'] })
      await cache.set('note:1', 'old')
      expect(await other.getMany(['user:1', 'post:1', 'note:1'])).toEqual(['old', 'old', 'old'])
    }, PATIENCE)
    await begin(proxy)

    expect(await cache.getOrSet('user:1', () => 'loaded')).toBe('loaded')
    expect(await cache.get('post:1')).toBeUndefined()
    expect(await cache.has('post:1')).toBe(false)
    await cache.invalidateTags('users')
    await cache.delete('post:1')
    await cache.set('note:1', 'new')
    await expect(cache.increment('n')).rejects.toBeInstanceOf(BackendUnavailableError)
    await expect(cache.setIfAbsent('s', 1)).rejects.toBeInstanceOf(BackendUnavailableError)

    const recovered = new Promise((resolve) => cache.onRecovered(resolve))
    await proxy.pass()
    expect(await recovered).toMatchObject({ replayed: expect.any(Number) })
    for (const seen of [cache, other]) {
      await vi.waitFor(async () => {
        expect(await seen.getMany(['user:1', 'post:1', 'note:1'])).toEqual([undefined, undefined, undefined])
      }, PATIENCE)
    }
    await vi.waitFor(async () => {
      await cache.set('user:1', 'fresh')
      expect(await cache.get('user:1')).toBe('fresh')
    }, PATIENCE)
  },
}))

describe.concurrent('an outage of redis', () => registerChecks(checks, (scope) => onRedis(redisBackend, scope)))
describe.concurrent('an outage of redis behind copies in memory', () =>
  registerChecks(checks, (scope) => onRedis(tieredBackend, scope)))
describe.concurrent('an outage of memcached', () => registerChecks(checks, onMemcached))

describe('a server that comes back from an older copy', () => {
  it('serves nothing of it, because invalidations may be missing', async () => {
    const server = await freshRedis({ config: ['save 3600 100000'] })
    const connection = await openRedis({ url: server.url })
    const cache = createCache({ backend: redisBackend(connection, { deadline: '5s' }), prefix: 'shop' })
    await cache.set('user:1', 'old', { tags: ['users'] })
    await server.command('SAVE')
    await cache.invalidateTags('users')
    const recovered = new Promise((resolve) => cache.onRecovered(resolve))
    await server.kill()
    await server.restart()
    expect(await recovered).toMatchObject({ generationBumped: true })
    expect(await server.command('EXISTS', 'shop:v1/e/user:1')).toBe(1)
    expect(await cache.get('user:1')).toBeUndefined()
    await Promise.all([cache, connection].map((part) => part.close()))
  })
})

describe('a cache that may not lose invalidations in silence', () => {
  it('rejects those that it cannot send, and sends them later all the same', async () => {
    const url = await sharedRedis()
    const proxy = await tcpProxy(url)
    const connection = await openRedis({ url: proxy.url })
    const backend = redisBackend(connection, { deadline })
    const cache = createCache({ backend, prefix: freshPrefix('outage'), onInvalidationError: 'throw' })
    await cache.set('a', 1, { tags: ['t'] })
    await proxy.refuse()
    await expect(cache.invalidateTags('t')).rejects.toBeInstanceOf(BackendUnavailableError)
    const recovered = new Promise((resolve) => cache.onRecovered(resolve))
    await proxy.pass()
    await recovered
    expect(await cache.get('a')).toBeUndefined()
    await Promise.all([cache, backend, connection, proxy].map((part) => part.close()))
  })
})
