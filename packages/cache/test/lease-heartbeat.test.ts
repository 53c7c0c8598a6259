import { createCache, memoryBackend } from '@plinth/cache'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

// Two caches on one memory stand for two processes on one server; time passes only as the test says.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function twoProcesses() {
  const clock = { now: () => Date.now(), elapsed: () => performance.now() }
  const backend = memoryBackend({ clock })
  const options = { backend, clock, early: 0, jitter: 0 }
  return [createCache(options), createCache(options)] as const
}

describe('a computation that takes longer than its lease', () => {
  it('is waited for by other processes as long as its own gives signs of life', async () => {
    const [here, there] = twoProcesses()
    let elsewhere = 0
    const slow = here.getOrSet('k', () => new Promise((resolve) => setTimeout(resolve, 10_000, 'slow')))
    await vi.advanceTimersByTimeAsync(1)
    const waiting = there.getOrSet('k', () => ++elsewhere)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(elsewhere).toBe(0)
    await vi.advanceTimersByTimeAsync(1_100)
    expect(await Promise.all([slow, waiting])).toEqual(['slow', 'slow'])
    expect(elsewhere).toBe(0)
  })

  it('keeps its lease on a slot too, until it is filled or given back', async () => {
    const [here, there] = twoProcesses()
    const slot = await here.slots.acquire({ key: 'k' })
    expect(slot.state).toBe('lead')
    await vi.advanceTimersByTimeAsync(9_000)
    expect((await there.slots.acquire({ key: 'k' })).state).toBe('busy')
    await slot.lease?.release()
    const next = await there.slots.acquire({ key: 'k' })
    expect(next.state).toBe('lead')
    await next.lease?.release()
  })

  it('leaves no heartbeat behind when it has ended, however it ended', async () => {
    const [here] = twoProcesses()
    await here.getOrSet('a', () => 1)
    await here.getOrSet('b', () => Promise.reject(new Error('no'))).catch(() => {})
    const timedOut = here.getOrSet('c', () => new Promise(() => {}), { timeout: 50 }).catch(() => {})
    await vi.advanceTimersByTimeAsync(60)
    await timedOut
    const slot = await here.slots.acquire({ key: 'd' })
    await slot.lease?.fill({ head: new Uint8Array(), body: new Uint8Array() })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is replaced when it gives no sign of life, and its late answer is not stored', async () => {
    const clock = { now: () => Date.now(), elapsed: () => performance.now() }
    const backend = memoryBackend({ clock })
    const store = backend.open('cache:v1')
    const { lease } = await store.claim({ key: 'k', guards: ['n'] }, { mode: 'need', leaseMs: 1_500 })
    const cache = createCache({ backend, clock })
    const waiting = cache.getOrSet('k', () => 'from who is alive')
    await vi.advanceTimersByTimeAsync(1_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await waiting).toBe('from who is alive')
    const life = { freshMs: 1_000, staleMs: 1_000, graceMs: 1_000, peekMs: 1_000 }
    const late = { ...life, body: 'from the dead', size: 10, format: 2, costMs: 0 }
    expect(await lease?.fill(late)).toBe(false)
    expect(await cache.get('k')).toBe('from who is alive')
  })
})
