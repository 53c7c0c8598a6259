import { inspect } from 'node:util'
import {
  type CacheBackend,
  type CacheEvent,
  type CacheStore,
  cacheChannels,
  createCache,
  memoryBackend,
} from '@plinth/cache'
import { BackendUnavailableError } from '@plinth/core'
import { describe, expect, it } from 'vitest'

/** Stands in every key, tag and value below; it must not be seen in any event. */
const SECRET = 'ada@example.com'

interface Told {
  readonly channel: string
  readonly event: CacheEvent & Readonly<Record<string, unknown>>
}

/** Everything that caches tell while `act` runs. */
async function toldBy(act: () => Promise<unknown>): Promise<Told[]> {
  const told: Told[] = []
  const undo = Object.entries(cacheChannels).map(([channel, of]) => {
    const listen = (event: unknown): void => void told.push({ channel, event: event as Told['event'] })
    of.subscribe(listen)
    return () => of.unsubscribe(listen)
  })
  try {
    await act()
  } finally {
    for (const each of undo) each()
  }
  return told
}

function timed() {
  let now = 1_000
  const clock = { now: () => now, elapsed: () => now }
  const cache = createCache({ backend: memoryBackend({ clock }), clock, jitter: 0, early: 0, name: 'people' })
  const pass = (ms: number): void => {
    now += ms
  }
  return { cache, pass }
}

describe('the events of a cache', () => {
  it('tell hits, misses, fills and what was stale, by the template', async () => {
    const { cache, pass } = timed()
    const find = cache.define('mail:{mail}', { ttl: '1m', swr: '1m' }, ({ mail }: { mail: string }) => mail)
    const told = await toldBy(async () => {
      await find({ mail: SECRET })
      await find({ mail: SECRET })
      pass(90_000)
      await find({ mail: SECRET })
      await new Promise((resolve) => setImmediate(resolve))
    })
    const who = { cache: 'people', backend: 'memory', template: 'mail:{mail}' }
    expect(told).toEqual([
      { channel: 'miss', event: who },
      { channel: 'fill', event: { ...who, costMs: 0, stored: true } },
      { channel: 'hit', event: { ...who, stale: false } },
      { channel: 'hit', event: { ...who, stale: true } },
      { channel: 'fill', event: { ...who, costMs: 0, stored: true } },
    ])
  })

  it('tell why a value was not stored: fenced off by an invalidation, or not to be', async () => {
    const { cache } = timed()
    const told = await toldBy(async () => {
      await cache.getOrSet('a', async () => {
        await cache.delete('a')
        return 1
      })
      await cache.getOrSet('b', ({ noStore }) => noStore())
    })
    const reasons = told.filter(({ channel }) => channel === 'fill').map(({ event }) => event.reason)
    expect(reasons).toEqual(['fenced', 'no-store'])
  })

  it('tell each kind of invalidation, and how much it named', async () => {
    const { cache } = timed()
    const told = await toldBy(async () => {
      await cache.set('user:1', 1)
      await cache.deleteMany(['a', 'b'])
      await cache.invalidateTags('x', 'y', 'z')
      await cache.deleteByPrefix('user')
      await cache.deleteMatching('user:*')
      await cache.clear()
    })
    expect(told.map(({ event }) => [event.kind, event.count, event.queued])).toEqual([
      ['keys', 2, false],
      ['tags', 3, false],
      ['prefix', 1, false],
      ['pattern', 0, false],
      ['namespace', 1, false],
    ])
  })

  it('never show a key, a tag, an argument or a value, whatever happens', async () => {
    const sound = memoryBackend()
    let mute = false
    const away = async (): Promise<never> => {
      throw new BackendUnavailableError('no answer in time', { reason: 'deadline' })
    }
    const backend: CacheBackend = {
      name: 'sometimes',
      available: true,
      ping: () => sound.ping(),
      onChange: (listener) => sound.onChange(listener),
      close: () => sound.close(),
      open: (namespace) =>
        new Proxy(sound.open(namespace), {
          get: (store: CacheStore, name) => {
            const value: unknown = Reflect.get(store, name)
            if (typeof value !== 'function') return value
            return mute && name !== 'verify' && name !== 'peek' ? away : value.bind(store)
          },
        }),
    }
    const cache = createCache({ backend })
    const find = cache.define('mail:{mail}', { tags: ['mail:{mail}'] }, ({ mail }: { mail: string }) => ({ mail }))
    const save = cache.mutation(
      { tags: ['mail:{mail}'], prefixes: ['mail:{mail}'], patterns: ['mail:{mail}:*'], recache: [find] },
      async ({ mail }: { mail: string }) => mail,
    )
    const told = await toldBy(async () => {
      for (mute of [false, true]) {
        await find({ mail: SECRET })
        await find({ mail: SECRET })
        await find.refresh({ mail: SECRET })
        await find.put({ mail: SECRET }, { mail: SECRET })
        await find.warm([{ mail: SECRET }])
        await find.invalidate({ mail: SECRET })
        await save({ mail: SECRET }).catch(() => {})
        await cache.set(`by-text:${SECRET}`, SECRET, { tags: [SECRET] })
        await cache.get(`by-text:${SECRET}`)
        await cache.take(`by-text:${SECRET}`)
        await cache.getOrSet(`failing:${SECRET}`, () => Promise.reject(new Error('no'))).catch(() => {})
        await cache.deleteMany([SECRET])
        await cache.invalidateTags(SECRET)
        await cache.deleteByPrefix(SECRET)
        await cache.deleteMatching(`*${SECRET}*`).catch(() => {})
        await cache.increment(`n:${SECRET}`).catch(() => {})
      }
    })
    await cache.close()
    expect(new Set(told.map(({ channel }) => channel))).toEqual(
      new Set(['hit', 'miss', 'fill', 'invalidate', 'failure']),
    )
    for (const text of [SECRET, encodeURIComponent(SECRET), 'example']) {
      expect(inspect(told, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxArrayLength: null })).not.toContain(
        text,
      )
    }
  })
})
