import { CacheOptionError, createCache, LoaderTimeoutError, memoryBackend } from '@plinth/cache'
import { describe, expect, it } from 'vitest'

/** A cache on a clock that only the test turns. */
function timed(options: object = {}) {
  let now = 1_000
  const clock = { now: () => now, elapsed: () => now }
  const cache = createCache({ backend: memoryBackend({ clock }), clock, jitter: 0, early: 0, ttl: 1_000, ...options })
  return { cache, pass: (ms: number) => (now += ms) }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('a stale value', () => {
  it('is answered while one caller computes it anew in the background', async () => {
    const { cache, pass } = timed()
    let calls = 0
    const load = () => ++calls
    const get = () => cache.getOrSet('k', load, { swr: 5_000 })
    expect(await get()).toBe(1)
    pass(1_500)
    expect(await Promise.all([get(), get(), get()])).toEqual([1, 1, 1])
    await settle()
    expect(calls).toBe(2)
    expect(await get()).toBe(2)
    pass(7_000)
    expect(await get()).toBe(3)
  })

  it('is answered when computing fails, and then rests before the next try', async () => {
    const { cache, pass } = timed()
    let fails = false
    let calls = 0
    const load = async () => {
      calls++
      if (fails) throw new Error('the database is away')
      return 'good'
    }
    const get = () => cache.getOrSet('k', load, { staleIfError: 60_000 })
    await get()
    pass(1_500)
    fails = true
    expect(await get()).toBe('good')
    expect(calls).toBe(2)
    expect(await get()).toBe('good')
    expect(calls).toBe(2)
    pass(600)
    expect(await get()).toBe('good')
    expect(calls).toBe(3)
    pass(60_000)
    await expect(get()).rejects.toThrow('the database is away')
  })

  it('is answered when computing takes longer than the soft timeout, and is replaced in the end', async () => {
    const { cache, pass } = timed()
    const options = { staleIfError: 60_000, softTimeout: 20 }
    await cache.getOrSet('k', () => 'old', options)
    pass(1_500)
    const slow = () => sleep(60).then(() => 'new')
    expect(await cache.getOrSet('k', slow, options)).toBe('old')
    await sleep(80)
    expect(await cache.get('k')).toBe('new')
  })

  it('is never answered after an invalidation', async () => {
    const { cache, pass } = timed()
    await cache.getOrSet('k', () => 'old', { swr: 60_000, staleIfError: 60_000, tags: ['t'] })
    pass(1_500)
    await cache.invalidateTags('t')
    await expect(cache.getOrSet('k', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await cache.getOrSet('k', () => 'new')).toBe('new')
  })
})

describe('a loader', () => {
  it('is aborted at its hard timeout', async () => {
    const { cache } = timed()
    let aborted = false
    const load = ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      return new Promise<number>(() => {})
    }
    await expect(cache.getOrSet('k', load, { timeout: 20 })).rejects.toBeInstanceOf(LoaderTimeoutError)
    expect(aborted).toBe(true)
    expect(await cache.getOrSet('k', () => 1)).toBe(1)
  })

  it('decides about lifetime, tags and whether it is stored at all', async () => {
    const { cache, pass } = timed()
    await cache.getOrSet('short', ({ setTtl }) => {
      setTtl(100)
      return 1
    })
    pass(150)
    expect(await cache.get('short')).toBeUndefined()
    await cache.getOrSet('tagged', ({ addTags }) => {
      addTags('late')
      return 1
    })
    await cache.getOrSet('told', () => ({ id: 7 }), { tags: (value) => [`post:${value.id}`] })
    expect(await cache.getMany(['tagged', 'told'])).toEqual([1, { id: 7 }])
    await cache.invalidateTags('late', 'post:7')
    expect(await cache.getMany(['tagged', 'told'])).toEqual([undefined, undefined])
    const dropped = ({ noStore }: { noStore(): void }): number => {
      noStore()
      return 1
    }
    expect(await cache.getOrSet('not', dropped)).toBe(1)
    expect(await cache.getOrSet('if', () => 1, { storeIf: (value) => value > 1 })).toBe(1)
    expect(await cache.getMany(['not', 'if'])).toEqual([undefined, undefined])
  })

  it('is told the value it replaces', async () => {
    const { cache, pass } = timed()
    await cache.getOrSet('k', () => 1, { staleIfError: 60_000 })
    pass(1_500)
    expect(await cache.getOrSet('k', ({ stale }) => Number(stale ?? 0) + 1, { staleIfError: 60_000 })).toBe(2)
  })

  it('that finds nothing is believed for as long as said', async () => {
    const { cache, pass } = timed()
    let calls = 0
    const nothing = (): undefined => {
      calls++
    }
    const get = () => cache.getOrSet('k', nothing, { negativeTtl: 500 })
    expect(await get()).toBeUndefined()
    expect(await get()).toBeUndefined()
    expect(calls).toBe(1)
    pass(600)
    await get()
    expect(calls).toBe(2)
    await cache.getOrSet('u', nothing)
    await cache.getOrSet('u', nothing)
    expect(calls).toBe(4)
  })

  it('that failed is not asked again before the time that was said', async () => {
    const { cache, pass } = timed()
    let calls = 0
    const load = async () => {
      calls++
      throw new Error('no')
    }
    const get = () => cache.getOrSet('k', load, { errorTtl: 500 })
    await expect(get()).rejects.toThrow('no')
    await expect(get()).rejects.toThrow('no')
    expect(calls).toBe(1)
    pass(600)
    await expect(get()).rejects.toThrow('no')
    expect(calls).toBe(2)
  })

  it('runs once for many, whose errors are the same, and is aborted when the last one gives up', async () => {
    const { cache } = timed()
    let calls = 0
    const fail = async () => {
      calls++
      await sleep(5)
      throw new Error('no')
    }
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => cache.getOrSet('k', fail)))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(calls).toBe(1)

    const [one, two] = [new AbortController(), new AbortController()]
    let seen: AbortSignal | undefined
    const hang = ({ signal }: { signal: AbortSignal }) => {
      seen = signal
      return new Promise<number>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const waits = [one, two].map(({ signal }) => cache.getOrSet('h', hang, { signal }))
    const ends = Promise.allSettled(waits)
    await settle()
    one.abort(new Error('first'))
    await expect(waits[0]).rejects.toThrow('first')
    expect(seen?.aborted).toBe(false)
    two.abort(new Error('second'))
    await ends
    expect(seen?.aborted).toBe(true)
  })
})

describe('a value that is dear', () => {
  it('is computed anew before it expires, while the old one is answered', async () => {
    const { cache, pass } = timed({ early: 100 })
    let calls = 0
    const load = async () => {
      pass(1_000_000) // so dear that chance is out of the question
      return ++calls
    }
    await cache.getOrSet('k', load)
    for (let round = 0; round < 50 && calls === 1; round++) {
      pass(10)
      expect(await cache.getOrSet('k', load)).toBe(1)
      await settle()
    }
    expect(calls).toBeGreaterThan(1)
  })
})

describe('options', () => {
  it('that do not exist or make no sense are refused', async () => {
    const { cache } = timed()
    const bad: object[] = [
      { tll: 5 },
      { ttl: 0 },
      { ttl: -1 },
      { ttl: Number.NaN },
      { ttl: '5' },
      { jitter: 2 },
      { timeout: 0 },
      { ttl: Infinity },
    ]
    for (const options of bad) {
      await expect(cache.getOrSet('k', () => 1, options)).rejects.toBeInstanceOf(CacheOptionError)
      expect(() => createCache({ backend: memoryBackend(), ...options })).toThrow(CacheOptionError)
      if (!('jitter' in options || 'timeout' in options)) {
        await expect(cache.set('k', 1, options)).rejects.toBeInstanceOf(CacheOptionError)
      }
    }
    await expect(cache.set('k', undefined)).rejects.toMatchObject({ code: 'CACHE_VALUE_INVALID' })
    await expect(cache.get('')).rejects.toMatchObject({ code: 'CACHE_KEY_INVALID' })
    await expect(cache.increment('k', 0.5)).rejects.toBeInstanceOf(CacheOptionError)
  })

  it('may name a ttl', async () => {
    const { cache, pass } = timed({ ttls: { short: 100 } })
    await cache.set('k', 1, { ttl: 'short' })
    pass(150)
    expect(await cache.get('k')).toBeUndefined()
  })
})

describe('explain', () => {
  it('says why a key is a hit, stale, invalidated or missing', async () => {
    const { cache, pass } = timed()
    expect((await cache.explain('k')).state).toBe('missing')
    await cache.set('k', 1, { tags: ['t'], swr: 5_000 })
    expect(await cache.explain('k')).toMatchObject({ state: 'fresh', tags: ['t'] })
    pass(1_500)
    expect((await cache.explain('k')).state).toBe('stale')
    await cache.invalidateTags('t')
    expect(await cache.explain('k')).toMatchObject({ state: 'invalidated', invalidatedBy: [{ what: 'tag t' }] })
  })
})

describe('a closed cache', () => {
  it('answers nothing any more, and can be closed again', async () => {
    const { cache } = timed()
    await cache.set('k', 1)
    await cache.close()
    await cache.close()
    await expect(cache.get('k')).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
    await expect(cache.getOrSet('k', () => 1)).rejects.toMatchObject({ code: 'CACHE_CLOSED' })
  })
})
