import { createCache, disabledCache, memoryBackend, PatternMatchingNotSupportedError } from '@plinth/cache'
import { describe, expect, it } from 'vitest'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const fresh = () => createCache({ backend: memoryBackend(), prefix: 'shop', ttl: '5m' })

describe('direct access', () => {
  it('keeps null, 0, empty text and false as values', async () => {
    const cache = fresh()
    for (const value of [null, 0, '', false, true, '123', 5n, [], {}]) {
      await cache.set('k', value)
      expect(await cache.get('k')).toEqual(value)
      expect(await cache.has('k')).toBe(true)
      expect(await cache.getOrSet('k', () => 'computed')).toEqual(value)
    }
  })

  it('hands everybody a copy', async () => {
    const cache = fresh()
    const given = { a: { b: 1 }, list: [{ c: 1 }] }
    await cache.set('k', given)
    given.a.b = 2
    const first = await cache.get<typeof given>('k')
    if (first) {
      first.a.b = 3
      first.list[0] = { c: 9 }
    }
    expect(await cache.get('k')).toEqual({ a: { b: 1 }, list: [{ c: 1 }] })
  })

  it('deletes, takes, counts, touches and stores if absent', async () => {
    const cache = fresh()
    await cache.setMany({ a: 1, b: 2 })
    await cache.setMany(new Map([['c', 3]]))
    expect(await cache.getMany(['a', 'b', 'c', 'd'])).toEqual([1, 2, 3, undefined])
    expect(await cache.delete('a')).toBe(true)
    expect(await cache.delete('a')).toBe(false)
    expect(await cache.deleteMany(['b', 'x'])).toBe(1)
    expect(await cache.take('c')).toBe(3)
    expect(await cache.take('c')).toBeUndefined()
    expect(await cache.increment('n')).toBe(1)
    expect(await cache.increment('n', 5)).toBe(6)
    expect(await cache.increment('n', -7)).toBe(-1)
    expect(await cache.get('n')).toBe(-1)
    expect(await cache.setIfAbsent('s', 'x')).toBe(true)
    expect(await cache.setIfAbsent('s', 'y')).toBe(false)
    await cache.set('t', 1, { ttl: '1s' })
    expect(await cache.touch('t', '1m')).toBe(true)
    expect((await cache.explain('t')).freshForMs).toBeGreaterThan(1_000)
    expect(await cache.touch('nothing')).toBe(false)
  })

  it('forgets a value after its ttl', async () => {
    const cache = fresh()
    await cache.set('k', 1, { ttl: 20 })
    await sleep(30)
    expect(await cache.get('k')).toBeUndefined()
  })
})

describe('invalidation', () => {
  it('works by tag, prefix, pattern and altogether', async () => {
    const cache = fresh()
    const fill = () =>
      Promise.all([
        cache.set('user:42', 1, { tags: ['user:42'] }),
        cache.set('user:42:posts:1', 1, { tags: ['user:42', 'posts'] }),
        cache.set('user:420', 1, { tags: ['user:420'] }),
      ])
    const left = async () =>
      (await cache.getMany(['user:42', 'user:42:posts:1', 'user:420'])).map((value) => value === 1)
    await fill()
    await cache.invalidateTags('user:42')
    expect(await left()).toEqual([false, false, true])
    await fill()
    await cache.deleteByPrefix('user:42')
    expect(await left()).toEqual([false, false, true])
    await fill()
    expect(await cache.deleteMatching('user:*:posts:*')).toBe(1)
    expect(await left()).toEqual([true, false, true])
    await fill()
    expect(await cache.deleteMatching('user:42*')).toBe(3)
    await fill()
    await cache.clear()
    expect(await left()).toEqual([false, false, false])
  })

  it('keeps a late fill out, whatever invalidated it, and never hands it to who came after', async () => {
    const cache = fresh()
    const ways = [
      () => cache.delete('user:1'),
      () => cache.invalidateTags('t'),
      () => cache.deleteByPrefix('user'),
      () => cache.clear(),
      () => cache.deleteMatching('user:*'),
      () => cache.set('user:1', 'set'),
    ]
    for (const invalidate of ways) {
      await cache.clear()
      let row = 'old'
      const load = async () => {
        const seen = row
        await sleep(10)
        return seen
      }
      const early = cache.getOrSet('user:1', load, { tags: ['t'] })
      await sleep(2)
      row = 'new'
      await invalidate()
      const later = await cache.getOrSet('user:1', load, { tags: ['t'] })
      expect(['new', 'set']).toContain(later)
      expect(await early).toBe('old')
      expect(await cache.get('user:1')).not.toBe('old')
    }
  })
})

describe('functions', () => {
  it('compute once, refresh, invalidate, recache', async () => {
    const cache = fresh()
    let calls = 0
    const getUser = cache.define(
      'user:{userId}',
      { ttl: '5m', tags: ['user:{userId}'] },
      async ({ userId }: { userId: number }) => {
        calls++
        await sleep(5)
        return { userId, calls }
      },
    )
    const all = await Promise.all(Array.from({ length: 50 }, () => getUser({ userId: 42 })))
    expect(calls).toBe(1)
    expect(new Set(all.map((user) => user.calls))).toEqual(new Set([1]))
    expect((await getUser.refresh({ userId: 42 })).calls).toBe(2)
    expect((await getUser({ userId: 42 })).calls).toBe(2)
    await getUser.invalidate({ userId: 42 })
    expect(await getUser.peek({ userId: 42 })).toBeUndefined()
    const updateUser = cache.mutation(
      { tags: ['user:{userId}'], recache: [getUser] },
      async (args: { userId: number; name: string }) => args.name,
    )
    expect(await updateUser({ userId: 42, name: 'x' })).toBe('x')
    expect((await getUser.peek({ userId: 42 }))?.calls).toBe(3)
  })

  it('belong to a resource', async () => {
    const cache = fresh()
    const user = cache.resource('user', 'userId')
    let n = 0
    const profile = user.define('profile', {}, ({ userId }: { userId: number }) => `${userId}-${++n}`)
    const rename = user.mutation({}, async ({ userId }: { userId: number }) => userId)
    expect(await profile({ userId: 1 })).toBe('1-1')
    await rename({ userId: 2 })
    expect(await profile({ userId: 1 })).toBe('1-1')
    await rename({ userId: 1 })
    expect(await profile({ userId: 1 })).toBe('1-2')
    await user.invalidate(1)
    expect(await profile({ userId: 1 })).toBe('1-3')
  })
})

describe('the null object', () => {
  it('runs loaders, keeps nothing and never fails', async () => {
    const cache = disabledCache()
    expect(cache.enabled).toBe(false)
    await cache.set('a', 1)
    expect(await cache.get('a')).toBeUndefined()
    expect(await cache.getOrSet('a', ({ signal }) => signal.aborted)).toBe(false)
    const getUser = cache.define('user:{userId}', {}, ({ userId }: { userId: number }) => userId)
    expect(await getUser({ userId: 3 })).toBe(3)
    expect(await cache.mutation({}, async ({ a }: { a: number }) => a)({ a: 1 })).toBe(1)
    expect(await cache.deleteMatching('*')).toBe(0)
    expect((await cache.slots.acquire({ key: 'x' })).state).toBe('away')
    expect(PatternMatchingNotSupportedError).toBeDefined()
  })
})
