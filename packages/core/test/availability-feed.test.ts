import { describe, expect, test, vi } from 'vitest'
import { AvailabilityFeed } from '../src/availability-feed.js'
import { BackendUnavailableError, MisconfiguredError } from '../src/infra-error.js'
import { FakeClock } from './fake-clock.js'

const outage = new BackendUnavailableError('away', { reason: 'closed' })
const mistake = new MisconfiguredError('wrong password')

describe('a feed of availability', () => {
  test('tells once of every change, with the downtime on recovery', () => {
    const clock = new FakeClock()
    const feed = new AvailabilityFeed(clock)
    const seen = vi.fn()
    feed.onChange(seen)
    feed.update(true)
    feed.update(true)
    feed.update(false, outage)
    clock.pass(1234)
    feed.update(false, outage)
    feed.update(true)
    expect(seen.mock.calls.map(([change]) => change)).toEqual([
      { available: true, downForMs: 0 },
      { available: false, downForMs: 0, error: outage },
      { available: true, downForMs: 1234 },
    ])
  })

  test('tells when an outage turns out to be a mistake', () => {
    const feed = new AvailabilityFeed(new FakeClock())
    const seen = vi.fn()
    feed.onChange(seen)
    feed.update(false, outage)
    feed.update(false, mistake)
    expect(seen.mock.calls.map(([change]) => change.error)).toEqual([outage, mistake])
    expect(feed.error).toBe(mistake)
  })

  test('waits until it is available, and no longer than told', async () => {
    const feed = new AvailabilityFeed()
    await expect(feed.whenReady({ timeoutMs: 5 })).resolves.toBe(false)
    const waiting = feed.whenReady({ timeoutMs: 10_000 })
    feed.update(true)
    await expect(waiting).resolves.toBe(true)
    await expect(feed.whenReady()).resolves.toBe(true)
  })

  test('does not wait for what only a person can mend', async () => {
    const feed = new AvailabilityFeed()
    const waiting = feed.whenReady()
    feed.update(false, mistake)
    await expect(waiting).rejects.toBe(mistake)
    await expect(feed.whenReady()).rejects.toBe(mistake)
  })

  test('waits until anything is known, be it what keeps it away', async () => {
    const feed = new AvailabilityFeed()
    await expect(feed.whenKnown({ timeoutMs: 5 })).resolves.toBe(false)
    const waiting = feed.whenKnown({ timeoutMs: 600_000 })
    feed.update(false, outage)
    await expect(waiting).resolves.toBe(true)
    feed.update(true)
    await expect(feed.whenKnown()).resolves.toBe(true)
  })

  test('a wait ends with its signal', async () => {
    const controller = new AbortController()
    const waiting = new AvailabilityFeed().whenReady({ signal: controller.signal })
    controller.abort(new Error('shutting down'))
    await expect(waiting).rejects.toThrow('shutting down')
  })

  test('a listener that is taken off, or after the close, hears nothing', () => {
    const feed = new AvailabilityFeed()
    const [first, second] = [vi.fn(), vi.fn()]
    feed.onChange(first)()
    feed.onChange(second)
    feed.close()
    feed.update(true)
    expect(first).not.toHaveBeenCalled()
    expect(second).not.toHaveBeenCalled()
  })
})
