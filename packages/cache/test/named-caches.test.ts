import { type Cache, type CacheBackend, createCache, memoryBackend } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshPrefix, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import { describe, expect, it } from 'vitest'

const deadline = '10s'

async function onRedis(kind: typeof redisBackend | typeof tieredBackend, url: string, cluster = false) {
  const { hostname: host, port } = new URL(url)
  const redis = await openRedis(cluster ? { cluster: [{ host, port: Number(port) }] } : { url })
  const backend = kind(redis, { deadline })
  closeWithFile(() => backend.close().then(() => redis.close()))
  return backend
}

const backends: Readonly<Record<string, () => Promise<CacheBackend>>> = {
  memory: async () => memoryBackend(),
  redis: async () => onRedis(redisBackend, await sharedRedis()),
  cluster: async () => onRedis(redisBackend, await sharedRedisCluster(), true),
  tiered: async () => onRedis(tieredBackend, await sharedRedis()),
  memcached: async () => {
    const memcached = openMemcached({ servers: await sharedMemcached() })
    await memcached.whenReady()
    closeWithFile(() => memcached.close())
    return memcachedBackend(memcached, { deadline })
  },
}

/** What makes one of two caches empty; the other must not notice. */
const invalidations: readonly ((cache: Cache) => Promise<unknown>)[] = [
  (cache) => cache.delete('user:1'),
  (cache) => cache.invalidateTags('users'),
  (cache) => cache.deleteByPrefix('user'),
  (cache) => cache.clear(),
  (cache) => cache.take('user:1'),
  (cache) => cache.bumpGeneration(),
]

describe.concurrent.each(Object.entries(backends))('several caches of one app on %s', (_name, open) => {
  it('share a backend and nothing else: not keys, tags, counts, nor what is invalidated', async () => {
    const backend = await open()
    const prefix = freshPrefix('named')
    const caches = [
      createCache({ backend, prefix, name: 'catalogue', ttl: '1h' }),
      createCache({ backend, prefix: `${prefix}:sessions`, name: 'sessions', ttl: '1m' }),
      createCache({ backend, prefix, version: 'v2', name: 'next release' }),
    ]
    for (const [index, cache] of caches.entries()) expect(await cache.increment('n', index + 1)).toBe(index + 1)
    for (const invalidate of invalidations) {
      for (const [index, cache] of caches.entries()) {
        for (const [number, each] of caches.entries()) await each.set('user:1', number, { tags: ['users'] })
        await invalidate(cache)
        const values = await Promise.all(caches.map((each) => each.get('user:1')))
        expect(values).toEqual(caches.map((_, number) => (number === index ? undefined : number)))
      }
    }
    expect(caches.map(({ name }) => name)).toEqual(['catalogue', 'sessions', 'next release'])
    for (const cache of caches) await cache.close()
  })

  it('of the same prefix and version are one cache', async () => {
    const backend = await open()
    const prefix = freshPrefix('named')
    const [one, two] = [createCache({ backend, prefix }), createCache({ backend, prefix })]
    await one.set('a', 1, { tags: ['t'] })
    expect(await two.get('a')).toBe(1)
    await two.invalidateTags('t')
    expect(await one.get('a')).toBeUndefined()
  })
})
