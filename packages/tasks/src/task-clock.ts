import { type Clock, systemClock } from '@plinth/core'

/** A clock that can also call back, so that tests can turn retries, delays, timeouts and schedules. */
export interface TaskClock extends Clock {
  /**
   * Calls `run` once, `delayMs` from now; the answer takes the call off again.
   *
   * Never keeps the process alive, and has no upper limit on `delayMs`.
   */
  after(delayMs: number, run: () => void): CancelTimer
}

/** Takes a timer off. Does nothing once it has fired. */
export type CancelTimer = () => void

/** The longest delay that `setTimeout` honours. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The machine's own clocks and timers. */
export const systemTaskClock: TaskClock = {
  ...systemClock,
  after(delayMs: number, run: () => void): CancelTimer {
    if (delayMs <= LONGEST_TIMER_MS) {
      const timer = setTimeout(run, delayMs).unref()
      return () => clearTimeout(timer)
    }
    let rest = delayMs
    let timer: NodeJS.Timeout
    const arm = (): void => {
      const step = Math.min(rest, LONGEST_TIMER_MS)
      rest -= step
      timer = setTimeout(rest > 0 ? arm : run, step).unref()
    }
    arm()
    return () => clearTimeout(timer)
  },
}
