import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { deadlineSignal, withDeadline } from '../src/deadline.js'

const late = new Error('late')
const onDeadline = (): Error => late
const never = (): Promise<never> => new Promise(() => {})

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('waiting no longer than a deadline', () => {
  test('answers what the work answers, and throws what it throws', async () => {
    await expect(withDeadline(Promise.resolve(1), { deadlineMs: 10, onDeadline })).resolves.toBe(1)
    await expect(withDeadline(Promise.reject(new Error('no')), { deadlineMs: 10, onDeadline })).rejects.toThrow('no')
  })

  test('rejects when the time is up', async () => {
    const waiting = withDeadline(never(), { deadlineMs: 100, onDeadline })
    const rejected = expect(waiting).rejects.toBe(late)
    await vi.advanceTimersByTimeAsync(100)
    await rejected
  })

  test('rejects with the reason of the signal, also when that came before', async () => {
    const controller = new AbortController()
    const waiting = withDeadline(never(), { deadlineMs: 100, signal: controller.signal, onDeadline })
    controller.abort('enough')
    await expect(waiting).rejects.toBe('enough')
    await expect(withDeadline(never(), { signal: controller.signal, onDeadline })).rejects.toBe('enough')
  })

  test('leaves no timer and no listener behind, however it ends', async () => {
    const { signal } = new AbortController()
    await withDeadline(Promise.resolve(1), { deadlineMs: 1000, signal, onDeadline })
    await withDeadline(Promise.reject(new Error('no')), { deadlineMs: 1000, signal, onDeadline }).catch(() => {})
    const timedOut = withDeadline(never(), { deadlineMs: 10, signal, onDeadline }).catch(() => {})
    await vi.advanceTimersByTimeAsync(10)
    await timedOut
    expect(vi.getTimerCount()).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('a failure after the deadline is nobody’s unhandled rejection', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    let fail = (_: Error): void => {}
    const work = new Promise((_, reject) => {
      fail = reject
    })
    const waiting = withDeadline(work, { deadlineMs: 10, onDeadline }).catch(() => {})
    await vi.advanceTimersByTimeAsync(10)
    await waiting
    fail(new Error('too late'))
    vi.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})

describe('a signal with a deadline', () => {
  test('aborts when the time is up, and leaves nothing on its parent', async () => {
    const parent = new AbortController()
    const { signal } = deadlineSignal({ deadlineMs: 50, signal: parent.signal, onDeadline })
    expect(signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(50)
    expect(signal.reason).toBe(late)
    expect(getEventListeners(parent.signal, 'abort')).toEqual([])
  })

  test('aborts with its parent, also when that came before', () => {
    const parent = new AbortController()
    const { signal } = deadlineSignal({ signal: parent.signal, onDeadline })
    parent.abort('enough')
    expect(signal.reason).toBe('enough')
    expect(deadlineSignal({ signal: parent.signal, onDeadline }).signal.reason).toBe('enough')
  })

  test('does nothing any more once it is disposed of', async () => {
    const parent = new AbortController()
    const { signal, dispose } = deadlineSignal({ deadlineMs: 50, signal: parent.signal, onDeadline })
    dispose()
    expect(vi.getTimerCount()).toBe(0)
    parent.abort('enough')
    expect(signal.aborted).toBe(false)
  })
})
