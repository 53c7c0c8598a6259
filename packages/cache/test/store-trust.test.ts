import { type CacheBackend, createCache, memoryBackend, type Recovery } from '@plinth/cache'
import type { AvailabilityChange } from '@plinth/core'
import { describe, expect, it, vi } from 'vitest'

/** A backend whose server the test takes away and gives back, and whose questions after an outage it answers. */
function fickle() {
  const sound = memoryBackend()
  const listeners = new Set<(change: AvailabilityChange) => void>()
  const questions: ((isIntact: boolean) => void)[] = []
  let available = true
  const backend: CacheBackend = {
    name: 'fickle',
    get available() {
      return available
    },
    ping: () => sound.ping(),
    close: () => sound.close(),
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    open: (namespace) => {
      const store = sound.open(namespace)
      return new Proxy(store, {
        get: (target, name) => {
          if (name === 'peek') return undefined
          if (name === 'verify') return () => new Promise<boolean>((resolve) => questions.push(resolve))
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
  const become = (now: boolean): void => {
    available = now
    for (const listener of [...listeners]) listener({ available: now } as AvailabilityChange)
  }
  const question = async (): Promise<(isIntact: boolean) => void> => {
    await vi.waitFor(() => expect(questions).not.toEqual([]), 20_000)
    return questions.shift() as (isIntact: boolean) => void
  }
  return { cache: createCache({ backend }), become, question, questions }
}

describe('a cache whose backend goes and comes', () => {
  it('does not take an answer from before an outage for one from after it, and asks again', async () => {
    const { cache, become, question } = fickle()
    const recoveries: Recovery[] = []
    cache.onRecovered((recovery) => recoveries.push(recovery))
    const write = cache.set('a', 1)
    const first = await question()
    first(true)
    await write
    expect(await cache.get('a')).toBe(1)

    become(false)
    become(true)
    const early = await question()
    become(false)
    early(true)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await cache.get('a')).toBeUndefined()
    expect(recoveries).toEqual([])
    become(true)
    const late = await question()
    expect(await cache.get('a')).toBeUndefined()
    late(true)
    await vi.waitFor(() => expect(recoveries).toHaveLength(1), 20_000)
    expect(await cache.get('a')).toBe(1)
  })

  it('finds out by itself that it is back when it went and came during the question', async () => {
    const { cache, become, question } = fickle()
    const write = cache.set('a', 1)
    const first = await question()
    become(false)
    become(true)
    first(true)
    await write
    expect(await cache.get('a')).toBeUndefined()
    const second = await question()
    second(true)
    await vi.waitFor(async () => expect(await cache.get('a')).toBe(1), 20_000)
  })
})
