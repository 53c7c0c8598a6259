import { type Cache, CacheOptionError, cacheChannels, createCache, disabledCache, memoryBackend } from '@plinth/cache'
import { cacheSection } from '@plinth/cache/config'
import { loadConfig } from '@plinth/config'
import { describe, expect, it } from 'vitest'

const fresh = (): Cache => createCache({ backend: memoryBackend() })

describe('warming a cache', () => {
  it('computes what the functions name and is not cached yet, a few at a time', async () => {
    const cache = fresh()
    let [running, most, computed] = [0, 0, 0]
    const ids = Array.from({ length: 20 }, (_, userId) => ({ userId }))
    const getUser = cache.define('user:{userId}', { warm: async () => ids }, async ({ userId }: { userId: number }) => {
      most = Math.max(most, ++running)
      computed++
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return userId
    })
    const getTotal = cache
      .resource('shop', 'shopId')
      .define('total', { warm: () => [{ shopId: 1 }] }, async (args: { shopId: number }) => args.shopId)
    await getUser({ userId: 3 })
    expect(await cache.warm({ concurrency: 3 })).toEqual({ warmed: 21, failures: [], complete: true })
    expect(most).toBe(3)
    expect(computed).toBe(20)
    expect([await getUser.peek({ userId: 19 }), await getTotal.peek({ shopId: 1 })]).toEqual([19, 1])
  })

  it('does not hold the start up beyond its budget, and goes on', async () => {
    const cache = fresh()
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const slow = cache.define('slow:{id}', { warm: () => [{ id: 1 }, { id: 2 }] }, async ({ id }: { id: number }) => {
      if (id === 2) await opened
      return id
    })
    expect(await cache.warm({ budget: 30 })).toEqual({ warmed: 1, failures: [], complete: false })
    open()
    expect(await slow({ id: 2 })).toBe(2)
    expect(await cache.warm({ budget: '5s' })).toEqual({ warmed: 2, failures: [], complete: true })
  })

  it('answers failures instead of throwing them, and tells them by events', async () => {
    const cache = fresh()
    const told: unknown[] = []
    const listen = (event: unknown): void => {
      told.push((event as { readonly operation: string }).operation)
    }
    cacheChannels.failure.subscribe(listen)
    cache.define('bad:{id}', { warm: () => [{ id: 1 }] }, (_: { id: number }) => {
      throw new Error('no answer')
    })
    cache.define('unknown:{id}', { warm: () => Promise.reject(new Error('no list')) }, (_: { id: number }) => 1)
    cache.define('good:{id}', { warm: () => [{ id: 1 }] }, (_: { id: number }) => 1)
    const { warmed, failures } = await cache.warm()
    cacheChannels.failure.unsubscribe(listen)
    expect(warmed).toBe(1)
    expect(failures.map((failure) => (failure as Error).message).sort()).toEqual(['no answer', 'no list'])
    expect(told).toEqual(['warm', 'warm'])
  })

  it('begins nothing once its signal aborts', async () => {
    const cache = fresh()
    cache.define('user:{userId}', { warm: () => [{ userId: 1 }] }, ({ userId }: { userId: number }) => userId)
    expect(await cache.warm({ signal: AbortSignal.abort() })).toEqual({ warmed: 0, failures: [], complete: false })
  })

  it('refuses impossible options, and does nothing on a disabled cache', async () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN]) {
      await expect(fresh().warm({ concurrency })).rejects.toThrow(CacheOptionError)
      expect(() => fresh().mutation({ recacheConcurrency: concurrency }, () => 1)).toThrow(CacheOptionError)
    }
    await expect(fresh().warm({ budget: 'soon' })).rejects.toThrow(CacheOptionError)
    expect(await disabledCache().warm()).toEqual({ warmed: 0, failures: [], complete: true })
  })
})

describe('named TTLs', () => {
  it('are short, default and long in every cache, and those that it names itself', async () => {
    const cache = createCache({ backend: memoryBackend(), ttl: '2m', ttls: { long: '3d', daily: '1d' } })
    for (const [ttl, ms] of Object.entries({ short: 30_000, default: 120_000, long: 259_200_000, daily: 86_400_000 })) {
      await cache.set('a', 1, { ttl })
      expect((await cache.explain('a')).freshForMs).toBeGreaterThan(ms - 2_000)
      expect((await cache.explain('a')).freshForMs).toBeLessThanOrEqual(ms)
    }
    await expect(cache.set('a', 1, { ttl: 'weekly' })).rejects.toThrow(CacheOptionError)
  })

  it('come from the environment', () => {
    const ttls = (env: Record<string, string>): readonly number[] => {
      const { cache } = loadConfig({ env, sections: { cache: cacheSection } })
      return [cache.shortTtlMs, cache.defaultTtlMs, cache.longTtlMs]
    }
    expect(ttls({})).toEqual([30_000, 3_600_000, 86_400_000])
    const buckets = { CACHE_TTL_SHORT: '10', CACHE_TTL_DEFAULT: '300', CACHE_TTL_LONG: '3600' }
    expect(ttls(buckets)).toEqual([10_000, 300_000, 3_600_000])
    expect(ttls({ ...buckets, DEFAULT_CACHE_EXPIRATION: '60' })).toEqual([10_000, 60_000, 3_600_000])
  })
})
