import { type CacheBackend, type CacheStore, createCache, memoryBackend } from '@plinth/cache'
import { BackendUnavailableError } from '@plinth/core'
import { describe, expect, it, vi } from 'vitest'
import { PendingInvalidations } from '../src/pending-invalidations.js'

/** For what is sent again after a while, longer each time. */
const PATIENCE = { timeout: 30_000, interval: 50 }

const away = () => new BackendUnavailableError('no answer in time', { reason: 'deadline' })

/** A sound backend whose invalidations fail as long as `mute` says so, while reads go on. */
function deafToInvalidations() {
  const sound = memoryBackend()
  const state = { mute: false }
  const fail = async (): Promise<never> => {
    throw away()
  }
  const backend: CacheBackend = {
    name: 'deaf',
    available: true,
    ping: () => sound.ping(),
    onChange: (listener) => sound.onChange(listener),
    close: () => sound.close(),
    open: (namespace) =>
      new Proxy(sound.open(namespace), {
        get: (store, name) => {
          if (state.mute && (name === 'stamp' || name === 'remove')) return fail
          const value: unknown = Reflect.get(store, name)
          return typeof value === 'function' ? value.bind(store) : value
        },
      }),
  }
  return { backend, state }
}

describe('an invalidation that could not be sent while reads go on', () => {
  it('is not read past by any way of reading, tags that only the value told included', async () => {
    const { backend, state } = deafToInvalidations()
    const cache = createCache({ backend })
    const fill = (value: string) =>
      Promise.all(
        ['a', 'b', 'c', 'd'].map((key) =>
          cache.getOrSet(key, ({ addTags }) => {
            addTags('told')
            return value
          }),
        ),
      )
    for (const invalidate of [
      () => cache.invalidateTags('told'),
      () => cache.clear(),
      () => cache.deleteMany(['a', 'b', 'c', 'd']),
    ]) {
      await fill('old')
      expect(await cache.getMany(['a', 'b'])).toEqual(['old', 'old'])
      state.mute = true
      await invalidate()
      for (let round = 0; round < 2; round++) {
        expect(await cache.get('a')).toBeUndefined()
        expect(await cache.getMany(['a', 'b'])).toEqual([undefined, undefined])
        expect(await cache.has('a')).toBe(false)
        expect((await cache.explain('a')).state).toBe('invalidated')
        expect(await cache.getOrSet('b', () => 'new')).toBe('new')
        expect(
          await cache.getOrSet('c', () => Promise.reject(new Error('no')), { staleIfError: '1m' }).catch(String),
        ).toBe('Error: no')
        expect((await cache.slots.acquire({ key: 'd' })).entry).toBeUndefined()
      }
      expect(await cache.take('d')).toBeUndefined()
      state.mute = false
      await vi.waitFor(async () => {
        await cache.set('probe', 1)
        expect(await cache.get('probe')).toBe(1)
        expect(await cache.getOrSet('c', () => 'after')).toBe('after')
        expect(await cache.get('c')).toBe('after')
      }, PATIENCE)
      expect(await cache.getMany(['a', 'b', 'd'])).toEqual([undefined, undefined, undefined])
      await cache.clear()
    }
  })

  it('makes a count or a condition on what it means refused, because any answer could be wrong', async () => {
    const { backend, state } = deafToInvalidations()
    const cache = createCache({ backend })
    await cache.increment('n', 5)
    await cache.set('s', 'old')
    state.mute = true
    await cache.deleteMany(['n', 's'])
    await expect(cache.increment('n')).rejects.toBeInstanceOf(BackendUnavailableError)
    await expect(cache.setIfAbsent('s', 'new')).rejects.toBeInstanceOf(BackendUnavailableError)
    state.mute = false
    await vi.waitFor(async () => expect(await cache.increment('n')).toBe(1), PATIENCE)
    expect(await cache.setIfAbsent('s', 'new')).toBe(true)
  })
})

describe('invalidations that wait', () => {
  it('are sent again when the same is added while it is being sent', async () => {
    const pending = new PendingInvalidations()
    pending.add({ guards: ['t:a'], keys: ['k'] })
    const sent: string[] = []
    const store = {
      stamp: async (guards: readonly string[]) => {
        if (sent.length === 0) pending.add({ guards: ['t:a'], keys: ['k'] })
        sent.push(...guards)
      },
      remove: async (keys: readonly string[]) => {
        sent.push(...keys)
        return 0
      },
    } as unknown as CacheStore
    await pending.flush(store)
    expect(sent).toEqual(['t:a', 'k', 't:a', 'k'])
    expect(pending.size).toBe(0)
  })

  it('become one that means everything when they are too many', () => {
    const pending = new PendingInvalidations()
    for (let index = 0; index <= 10_000; index++) pending.add({ keys: [`k${index}`] })
    expect(pending.size).toBe(1)
    expect(pending.cover({ key: 'any', guards: ['n'] })).toBe(true)
  })
})
