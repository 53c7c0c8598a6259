import { createCache, disabledCache, memoryBackend } from '@plinth/cache'
import { memcachedBackend, memcachedConnectionOf } from '@plinth/cache/memcached'
import { redisBackend, redisConnectionOf } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshRedis } from '@plinth/testing'
import { expect, it } from 'vitest'

it('a cache gives the connection that its backend was lent, and no other', async () => {
  const redis = await openRedis({ url: (await freshRedis()).url })
  const memcached = openMemcached({ servers: '127.0.0.1:1' })
  const tiered = tieredBackend(redis)
  closeWithFile(() => tiered.close().then(() => Promise.all([redis.close(), memcached.close()])))
  for (const backend of [redisBackend(redis), tiered]) {
    const cache = createCache({ backend })
    expect(await redisConnectionOf(cache)?.run((client) => client.ping())).toBe('PONG')
    expect(redisConnectionOf(cache)).toBe(redis)
    expect(memcachedConnectionOf(cache)).toBeUndefined()
  }
  const cache = createCache({ backend: memcachedBackend(memcached) })
  expect([memcachedConnectionOf(cache), redisConnectionOf(cache)]).toEqual([memcached, undefined])
  for (const other of [createCache({ backend: memoryBackend() }), disabledCache()]) {
    expect([other.connection, redisConnectionOf(other), memcachedConnectionOf(other)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  }
})
