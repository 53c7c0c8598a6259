import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Cache, CacheKeyError, CacheOptionError, CacheValueError, createCache, memoryBackend } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { redisBackend } from '@plinth/cache/redis'
import { tieredBackend } from '@plinth/cache/tiered'
import { openMemcached } from '@plinth/core/memcached'
import { openRedis, type RedisTarget } from '@plinth/core/redis'
import { closeWithFile, freshPrefix, sharedMemcached, sharedRedis, sharedRedisCluster } from '@plinth/testing'
import { describe, expect, it, vi } from 'vitest'

/** A cache, and the way to write past it into its store. */
interface Setup {
  readonly cache: Cache
  readonly overwrite?: (key: string, bytes: Buffer) => Promise<unknown>
  readonly stored?: (key: string) => Promise<Buffer | undefined>
}

const deadline = '10s'

async function onRedis(kind: typeof redisBackend | typeof tieredBackend, target: RedisTarget): Promise<Setup> {
  const redis = await openRedis(target)
  const backend = kind(redis, { deadline })
  const prefix = freshPrefix('bad')
  closeWithFile(() => backend.close().then(() => redis.close()))
  const store = backend.open(`${prefix}:v1`)
  return {
    cache: createCache({ backend, prefix }),
    overwrite: async (key, bytes) => {
      await redis.client.set(`${prefix}:v1/e/${key}`, bytes)
      // A copy in this process goes when Redis has told of the change.
      await vi.waitFor(() => expect(store.peek?.(key)).toBeUndefined(), 20_000)
    },
    stored: async (key) => (await redis.client.getBuffer(`${prefix}:v1/e/${key}`)) ?? undefined,
  }
}

async function cluster(): Promise<RedisTarget> {
  const { hostname: host, port } = new URL(await sharedRedisCluster())
  return { cluster: [{ host, port: Number(port) }] }
}

const backends: Readonly<Record<string, () => Promise<Setup>>> = {
  memory: async () => ({ cache: createCache({ backend: memoryBackend() }) }),
  redis: async () => onRedis(redisBackend, { url: await sharedRedis() }),
  cluster: async () => onRedis(redisBackend, await cluster()),
  tiered: async () => onRedis(tieredBackend, { url: await sharedRedis() }),
  'tiered on a cluster': async () => onRedis(tieredBackend, await cluster()),
  memcached: async () => {
    const memcached = openMemcached({ servers: await sharedMemcached() })
    await memcached.whenReady()
    const prefix = freshPrefix('bad')
    closeWithFile(() => memcached.close())
    return {
      cache: createCache({ backend: memcachedBackend(memcached, { deadline }), prefix }),
      overwrite: (key, bytes) => memcached.set(`${prefix}:v1/e/${key}`, bytes, 60_000),
      stored: (key) => memcached.get(`${prefix}:v1/e/${key}`),
    }
  },
}

const circle: Record<string, unknown> = {}
circle.self = circle

describe('what is wrong on some backend', () => {
  it('is refused on every other, so that it does not come out only in production', () => {
    const wrong: object[] = [
      { compressAbove: 'big' },
      { maxValueBytes: 0 },
      { maxValueBytes: 'much' },
      { secrets: [] },
      { secrets: ['short'] },
      { secrets: 'one that is long enough, but no list' },
      { codec: { id: 3 } },
      { onInvalidationError: 'thorw' },
      { prefix: 'a b' },
      { prefixDepth: 1.5 },
    ]
    for (const options of wrong) {
      expect(() => createCache({ backend: memoryBackend(), ...options }), JSON.stringify(options)).toThrow(
        CacheOptionError,
      )
    }
    expect(() => createCache(undefined as never)).toThrow(CacheOptionError)
    expect(() => memoryBackend({ maxEntires: 5 } as object)).toThrow(CacheOptionError)
    expect(() => memoryBackend({ maxBytes: 'much' })).toThrow(CacheOptionError)
    const lent = { run: () => {}, getVersioned: () => {} } as never
    for (const kind of [redisBackend, tieredBackend, memcachedBackend]) {
      for (const options of [{ deadlin: 5 } as object, { deadline: 0 }, { deadline: 'soon' }, { deadline: -1 }]) {
        expect(() => kind(lent, options), JSON.stringify(options)).toThrow(CacheOptionError)
      }
      expect(() => kind(undefined as never)).toThrow(CacheOptionError)
    }
  })
})

describe.each(Object.entries(backends))('on %s', (_name, open) => {
  it('an option that does not exist is refused by every call that takes options', async () => {
    const { cache } = await open()
    const bad = { tll: 5 } as object
    const calls = [
      () => cache.get('k', bad),
      () => cache.set('k', 1, bad),
      () => cache.setMany({ k: 1 }, bad),
      () => cache.setIfAbsent('k', 1, bad),
      () => cache.increment('k', 1, bad),
      () => cache.getOrSet('k', () => 1, bad),
      async () => cache.define('f:{a}', bad, ({ a }: { a: number }) => a),
      async () => cache.mutation(bad, async () => 1),
      () => cache.deleteMatching('*', bad),
      () => cache.warm(bad),
    ]
    for (const call of calls) await expect(call()).rejects.toBeInstanceOf(CacheOptionError)
    expect(() => createCache({ backend: memoryBackend(), tll: 5 } as never)).toThrow(CacheOptionError)
    expect(await cache.get('k')).toBeUndefined()
  })

  it('a text in the place of a list, and what is no function, schema or signal, is refused', async () => {
    const { cache } = await open()
    const [text, number] = ['user:42' as never, 5 as never]
    const calls = [
      () => cache.set('k', 1, { tags: text }),
      () => cache.get('k', { tags: text }),
      () => cache.getOrSet('k', () => 1, { tags: text }),
      () => cache.getOrSet('k', () => 1, { tags: () => text }),
      () => cache.getOrSet('k', number),
      () => cache.getOrSet('k', () => 1, { storeIf: number }),
      () => cache.getOrSet('k', () => 1, { schema: number }),
      () => cache.getOrSet('k', () => 1, { signal: number }),
      () => cache.getMany(text),
      () => cache.deleteMany(text),
      () => cache.setMany(number),
      async () => cache.define('f:{a}', undefined as never, () => 1),
      async () => cache.define('f:{a}', { tags: text }, ({ a }: { a: number }) => a),
      async () => cache.define('f:{a}', { warm: number }, ({ a }: { a: number }) => a),
      async () => cache.define('f:{a}', {}, number),
      async () => cache.resource('r', 'id').define('f', { tags: text }, ({ id }: { id: number }) => id),
      async () => cache.mutation({ tags: text }, async () => 1),
      async () => cache.mutation({ keys: text }, async () => 1),
      async () => cache.mutation({ recache: text }, async () => 1),
      async () => cache.mutation({ recache: [number] }, async () => 1),
      async () => cache.mutation({ recache: [{ fn: number }] }, async () => 1),
    ]
    for (const call of calls) await expect(call(), String(call)).rejects.toBeInstanceOf(CacheOptionError)
    expect(await cache.get('k')).toBeUndefined()
  })

  it('a tag that only the loader tells is a text like any other, whatever stands in it', async () => {
    const { cache } = await open()
    for (const tag of ['Ada Lovelace', 'a\nn', 'a:{b}', '*', '100 %', 'é']) {
      const add = ({ addTags }: { addTags(...tags: string[]): void }): number => {
        addTags(tag)
        return 1
      }
      expect(await cache.getOrSet('k', add)).toBe(1)
      expect(await cache.get('k')).toBe(1)
      await cache.invalidateTags('a', 'b')
      expect(await cache.get('k')).toBe(1)
      await cache.invalidateTags(tag)
      expect(await cache.get('k')).toBeUndefined()
    }
    for (const bad of ['', 5 as never]) {
      await expect(cache.getOrSet('k', ({ addTags }) => addTags(bad))).rejects.toBeInstanceOf(CacheKeyError)
    }
  })

  it('a key, tag or prefix that is empty, no text or endless is refused; a long one is a key like others', async () => {
    const { cache } = await open()
    for (const bad of ['', 'x'.repeat(70_000), 5, null, undefined, {}] as string[]) {
      const calls = [
        () => cache.get(bad),
        () => cache.set(bad, 1),
        () => cache.getOrSet(bad, () => 1),
        () => cache.has(bad),
        () => cache.delete(bad),
        () => cache.take(bad),
        () => cache.increment(bad),
        () => cache.touch(bad),
        () => cache.getMany([bad]),
        () => cache.set('k', 1, { tags: [bad] }),
        () => cache.invalidateTags(bad),
        () => cache.deleteByPrefix(bad),
        () => cache.explain(bad),
      ]
      for (const call of calls) await expect(call()).rejects.toBeInstanceOf(CacheKeyError)
    }
    const long = 'user:'.repeat(5_000)
    await cache.set(`${long}a`, 'a')
    await cache.set(`${long}b`, 'b')
    expect(await cache.getMany([`${long}a`, `${long}b`])).toEqual(['a', 'b'])
  })

  it('a lifetime that is zero, negative or no number is refused', async () => {
    const { cache } = await open()
    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', '-5m', '', {} as never, 1e15]) {
      await expect(cache.set('k', 1, { ttl })).rejects.toBeInstanceOf(CacheOptionError)
      await expect(cache.getOrSet('k', () => 1, { ttl })).rejects.toBeInstanceOf(CacheOptionError)
      await expect(cache.touch('k', ttl)).rejects.toBeInstanceOf(CacheOptionError)
      const late = ({ setTtl }: { setTtl(ttl: string | number): void }): number => {
        setTtl(ttl)
        return 1
      }
      await expect(cache.getOrSet('k', late)).rejects.toBeInstanceOf(CacheOptionError)
    }
    expect(await cache.get('k')).toBeUndefined()
  })

  it('a value that is undefined or no data is refused, and what stood there stays', async () => {
    const { cache } = await open()
    await cache.set('k', 'sound')
    for (const bad of [undefined, () => 1, Symbol('x'), circle, { f: () => 1 }, Promise.resolve(1), /x/]) {
      await expect(cache.set('k', bad)).rejects.toBeInstanceOf(CacheValueError)
      await expect(cache.setIfAbsent('new', bad)).rejects.toBeInstanceOf(CacheValueError)
    }
    expect(await cache.get('k')).toBe('sound')
    for (const bad of [() => 1, circle]) {
      await expect(cache.getOrSet('computed', () => bad)).rejects.toBeInstanceOf(CacheValueError)
    }
    expect(await cache.getOrSet('computed', () => 'sound')).toBe('sound')
    await expect(cache.increment('k')).rejects.toBeInstanceOf(CacheValueError)
    expect(await cache.get('k')).toBe('sound')
  })

  it('an entry that is corrupt or foreign is a miss, counted once, and removed or replaced', async () => {
    const { cache, overwrite, stored } = await open()
    if (overwrite === undefined || stored === undefined) return // nobody else writes into the memory of a process
    await cache.set('k', { a: 'sound' })
    const sound = (await stored('k')) ?? Buffer.alloc(0)
    const broken = [
      Buffer.from('not ours'),
      Buffer.from('{"value":1}'),
      sound.subarray(0, 60),
      sound.subarray(0, sound.length - 3),
      Buffer.concat([sound, Buffer.from('more')]),
      Buffer.concat([sound.subarray(0, sound.length - 4), Buffer.from('\xff\xff\xff\xff', 'latin1')]),
    ]
    for (const bytes of broken) {
      await overwrite('k', bytes)
      const events = { miss: 0, hit: 0 }
      const onMiss = () => void events.miss++
      const onHit = () => void events.hit++
      subscribe('plinth:cache:miss', onMiss)
      subscribe('plinth:cache:hit', onHit)
      expect(await cache.get('k')).toBeUndefined()
      unsubscribe('plinth:cache:miss', onMiss)
      unsubscribe('plinth:cache:hit', onHit)
      expect(events).toEqual({ miss: 1, hit: 0 })
      await overwrite('k', bytes)
      expect(await cache.getOrSet('k', () => 'computed')).toBe('computed')
      expect(await cache.get('k')).toBe('computed')
    }
  })
})
