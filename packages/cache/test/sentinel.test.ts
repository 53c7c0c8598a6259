import { createCache, type Recovery } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, startRedisSentinel } from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

const PATIENCE = { timeout: 40_000, interval: 50 }
const backends = { redis: redisBackend, tiered: tieredBackend }

describe.concurrent.each(Object.entries(backends))('%s behind sentinels', (_name, kind) => {
  it('goes on with the replica that takes over, and serves nothing of before, for invalidations may be missing there', {
    timeout: 120_000,
  }, async () => {
    const sentinels = await startRedisSentinel()
    const redis = await openRedis({ sentinels: [...sentinels.addresses], name: sentinels.name })
    const backend = kind(redis, { deadline: '2s' })
    const cache = createCache({ backend, prefix: 'shop' })
    closeWithFile(async () => {
      for (const part of [cache, backend, redis, sentinels]) await part.close()
    })
    await vi.waitFor(async () => {
      await cache.set('user:1', 'old', { tags: ['users'] })
      expect(await cache.get('user:1')).toBe('old')
      expect(await sentinels.replica.command('EXISTS', 'shop:v1/e/user:1')).toBe(1)
    }, PATIENCE)
    const recovered = new Promise<Recovery>((resolve) => cache.onRecovered(resolve))
    await sentinels.master.kill()
    expect(await cache.getOrSet('user:2', () => 'loaded')).toBe('loaded')
    await cache.invalidateTags('users')
    expect(await recovered).toMatchObject({ generationBumped: true })
    expect(await cache.get('user:1')).toBeUndefined()
    await vi.waitFor(async () => {
      await cache.set('user:1', 'new', { tags: ['users'] })
      expect(await cache.get('user:1')).toBe('new')
    }, PATIENCE)
    await cache.invalidateTags('users')
    expect(await cache.get('user:1')).toBeUndefined()
  })
})
