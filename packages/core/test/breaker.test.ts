import { describe, expect, test } from 'vitest'
import { Breaker } from '../src/breaker.js'
import { FakeClock } from './fake-clock.js'

function fail(breaker: Breaker, times: number): boolean {
  let opened = false
  for (let count = 0; count < times; count += 1) opened = breaker.failure() || opened
  return opened
}

describe('a breaker', () => {
  test('opens after five failures in a row, and says so once', () => {
    const breaker = new Breaker()
    expect(fail(breaker, 4)).toBe(false)
    expect(breaker.open).toBe(false)
    expect(breaker.failure()).toBe(true)
    expect(breaker.open).toBe(true)
    expect(breaker.failure()).toBe(false)
  })

  test('a success between failures starts the run anew', () => {
    const breaker = new Breaker()
    fail(breaker, 4)
    breaker.success()
    fail(breaker, 4)
    expect(breaker.open).toBe(false)
  })

  test('opens when half of the calls of the window fail, though never five in a row', () => {
    const breaker = new Breaker({ clock: new FakeClock() })
    let calls = 0
    while (!breaker.open && calls < 100) {
      breaker.success()
      breaker.failure()
      calls += 2
    }
    expect(calls).toBe(20)
  })

  test('stays closed while too few calls were made to judge', () => {
    const breaker = new Breaker({ minimumCalls: 50, consecutiveFailures: 100, clock: new FakeClock() })
    fail(breaker, 49)
    expect(breaker.open).toBe(false)
  })

  test('forgets failures that are older than the window', () => {
    const clock = new FakeClock()
    const breaker = new Breaker({ clock, consecutiveFailures: 1000, windowMs: 10_000 })
    fail(breaker, 19)
    clock.pass(10_001)
    breaker.failure()
    expect(breaker.open).toBe(false)
  })

  test('keeps failures for at least half of the window', () => {
    const clock = new FakeClock()
    const breaker = new Breaker({ clock, consecutiveFailures: 1000, windowMs: 10_000 })
    fail(breaker, 19)
    clock.pass(5_001)
    breaker.failure()
    expect(breaker.open).toBe(true)
  })

  test('closes only when it is reset, and counts from nothing then', () => {
    const breaker = new Breaker()
    fail(breaker, 5)
    breaker.success()
    expect(breaker.open).toBe(true)
    breaker.reset()
    expect(breaker.open).toBe(false)
    fail(breaker, 4)
    expect(breaker.open).toBe(false)
  })

  test('waits longer before every probe that follows a failed one, up to the cap', () => {
    const breaker = new Breaker({ probeBaseMs: 100, probeCapMs: 300, random: () => 0.999_999 })
    fail(breaker, 5)
    expect([breaker.nextProbeMs(), breaker.nextProbeMs(), breaker.nextProbeMs()]).toEqual([100, 200, 300])
    breaker.reset()
    fail(breaker, 5)
    expect(breaker.nextProbeMs()).toBe(100)
  })
})
