import type { Duration } from '@plinth/config/units'
import { durationOf, MOMENT, mustBe } from './option-checks.js'
import type { CancelTimer, TaskClock } from './task-clock.js'

/** A clock that stands still until it is told to go on: delays, retries, timeouts and schedules follow it. */
export interface VirtualClock extends TaskClock {
  /**
   * Moves the time on, calling every timer that comes due in its order, at its own time; what a timer sets off (also through
   * promises and immediates) happens before the next one.
   */
  advance(by: Duration): Promise<void>
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Makes a clock for tests. It begins at `start`, default 2025-01-01T00:00:00Z. */
export function virtualClock(start: Date | number = Date.UTC(2025, 0, 1)): VirtualClock {
  mustBe(start, MOMENT, 'start of a virtual clock')
  const begin = Number(start)
  let now = begin
  let order = 0
  const timers = new Set<Timer>()

  const earliest = (until: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (timer.at > until) continue
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer
    }
    return first
  }

  return {
    now: () => now,
    elapsed: () => now - begin,
    after(delayMs: number, run: () => void): CancelTimer {
      const timer = { at: now + Math.max(0, delayMs), order: order++, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(by: Duration): Promise<void> {
      const until = now + durationOf(by, 'advance of a virtual clock')
      await settle()
      for (let timer = earliest(until); timer !== undefined; timer = earliest(until)) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.run()
        await settle()
      }
      now = until
      await settle()
    },
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
