import { CacheOptionError, createCache, type MemoryBackendOptions, memoryBackend } from '@plinth/cache'
import { describe, expect, it } from 'vitest'

function bounded(options: MemoryBackendOptions) {
  const backend = memoryBackend(options)
  return { backend, cache: createCache({ backend }), other: createCache({ backend, prefix: 'other' }) }
}

const kilobyte = 'x'.repeat(1_024)

describe('the memory backend', () => {
  it('holds at most so many entries, of all its caches together', async () => {
    const { backend, cache, other } = bounded({ maxEntries: 10 })
    for (let index = 0; index < 50; index++) await (index % 2 ? cache : other).set(`k${index}`, index)
    expect(backend.entries).toBe(10)
    await cache.clear()
    await cache.set('after', 1)
    expect(await cache.get('after')).toBe(1)
    expect(backend.entries).toBeLessThanOrEqual(10)
  })

  it('holds at most so many bytes, and nothing that is larger than all of them', async () => {
    const { backend, cache } = bounded({ maxBytes: '100kb' })
    for (let index = 0; index < 500; index++) await cache.set(`k${index}`, kilobyte)
    expect(backend.bytes).toBeLessThanOrEqual(100 * 1_024)
    expect(backend.entries).toBeGreaterThan(50)
    await cache.set('k499', kilobyte.repeat(200))
    expect(await cache.get('k499')).toBeUndefined()
    expect(backend.entries).toBeGreaterThan(50)
    await cache.deleteMatching('*')
    expect([backend.entries, backend.bytes]).toEqual([0, 0])
  })

  it('keeps what is in use while a scan passes through', async () => {
    const { cache } = bounded({ maxEntries: 100 })
    const used = Array.from({ length: 50 }, (_, index) => `used:${index}`)
    for (const key of used) await cache.set(key, 1)
    await cache.getMany(used)
    for (let index = 0; index < 5_000; index++) {
      await cache.set(`scan:${index}`, 1)
      if (index % 40 === 0) await cache.getMany(used)
    }
    expect((await cache.getMany(used)).filter((value) => value === 1)).toHaveLength(50)
  })

  it('evicts the dead before what is in use', async () => {
    let now = 0
    const clock = { now: () => now, elapsed: () => now }
    const { cache } = bounded({ maxEntries: 20, clock })
    const dead = Array.from({ length: 10 }, (_, index) => `dead:${index}`)
    const alive = Array.from({ length: 10 }, (_, index) => `alive:${index}`)
    for (const key of dead) await cache.set(key, 1, { ttl: 10 })
    for (const key of alive) await cache.set(key, 1)
    await cache.getMany([...dead, ...alive])
    now = 20
    for (let index = 0; index < 10; index++) await cache.set(`new:${index}`, 1)
    expect((await cache.getMany(alive)).filter((value) => value === 1)).toHaveLength(10)
  })

  it('starts no timer, whatever it holds', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const { cache } = bounded({})
    const before = timers()
    for (let index = 0; index < 1_000; index++) await cache.set(`k${index}`, index, { ttl: '1h', swr: '1h' })
    expect(timers()).toBeLessThan(before + 100) // those of whoever runs this come and go
  })

  it('refuses bounds that hold nothing', () => {
    for (const maxEntries of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => memoryBackend({ maxEntries })).toThrow(CacheOptionError)
    }
    expect(() => memoryBackend({ maxBytes: 0 })).toThrow(CacheOptionError)
  })
})
