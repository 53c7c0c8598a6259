import { type Cache, createCache } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { closeWithFile, freshRedis } from '@plinth/testing'
import { describe, expect, it } from 'vitest'

const KEY = 'user:1:name'

/** Two processes' caches, the first of which has read the entry twice: from now on it asks as for something fresh. */
async function expecting(): Promise<{ ours: Cache; theirs: Cache; raw: (...args: string[]) => Promise<unknown> }> {
  const server = await freshRedis()
  const open = async (): Promise<Cache> => {
    const redis = await openRedis({ url: server.url })
    const cache = createCache({ backend: redisBackend(redis, { deadline: '10s' }), early: 0, jitter: 0 })
    closeWithFile(() => Promise.all([cache.close(), redis.close()]))
    return cache
  }
  const [ours, theirs] = [await open(), await open()]
  await ours.set(KEY, 'old', { ttl: '10s', tags: ['users'] })
  expect(await ours.get(KEY)).toBe('old')
  expect(await ours.get(KEY)).toBe('old')
  return { ours, theirs, raw: server.command }
}

describe('an entry on Redis that was seen fresh', () => {
  const changes: Readonly<Record<string, (cache: Cache) => Promise<unknown>>> = {
    'its key was deleted': (cache) => cache.delete(KEY),
    'its tag was invalidated': (cache) => cache.invalidateTags('users'),
    'its prefix was deleted': (cache) => cache.deleteByPrefix('user:1'),
    'it was swept': (cache) => cache.deleteMatching('user:*'),
    'the cache was cleared': (cache) => cache.clear(),
    'it was taken': (cache) => cache.take(KEY),
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`is missing after ${what}, in another process and in this one`, async () => {
      for (const who of ['theirs', 'ours'] as const) {
        const caches = await expecting()
        await change(caches[who])
        expect(await caches.ours.get(KEY)).toBeUndefined()
        expect(await caches.ours.getOrSet(KEY, () => 'new')).toBe('new')
        expect(await caches.theirs.get(KEY)).toBe('new')
      }
    })
  }

  it('is read as another process wrote it, tags included', async () => {
    const { ours, theirs } = await expecting()
    await theirs.set(KEY, 'new', { tags: ['others'] })
    expect(await ours.get(KEY)).toBe('new')
    await theirs.invalidateTags('others')
    expect(await ours.get(KEY)).toBeUndefined()
  })

  it('is missing when it, or a stamp it depends on, was evicted or replaced by something foreign', async () => {
    for (const name of ['cache:v1/e/user:1:name', 'cache:v1/g/t:users', 'cache:v1/g/n']) {
      const { ours, raw } = await expecting()
      expect(await raw('DEL', name)).toBe(1)
      expect(await ours.get(KEY)).toBeUndefined()
    }
    const { ours, raw } = await expecting()
    await raw('SET', 'cache:v1/e/user:1:name', 'not an entry')
    expect(await ours.get(KEY)).toBeUndefined()
  })

  it('is stale when its time is over, however long it was expected to be fresh', async () => {
    const { ours, theirs } = await expecting()
    await theirs.set(KEY, 'short', { ttl: 60, swr: '10s' })
    await new Promise((resolve) => setTimeout(resolve, 90))
    expect(await ours.get(KEY)).toBeUndefined()
    expect(await ours.getOrSet(KEY, () => 'newer', { swr: '10s' })).toBe('short')
  })
})

it('a fill is refused when a tag that only the loader told was invalidated meanwhile, and its stamp evicted', async () => {
  const { ours, theirs, raw } = await expecting()
  await theirs.invalidateTags('nobody has this')
  await theirs.set('other', 1, { tags: ['late'] })
  const value = await ours.getOrSet('computed', async ({ addTags }) => {
    addTags('late')
    await theirs.invalidateTags('late')
    expect(await raw('DEL', 'cache:v1/g/t:late')).toBe(1)
    return 'old'
  })
  expect(value).toBe('old')
  expect(await theirs.get('computed')).toBeUndefined()
})
