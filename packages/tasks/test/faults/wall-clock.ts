import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskClock } from '../../src/index.js'

/** The time of a machine, as a test turns it: slowly, or by setting the wall clock. */
export interface WallClock extends TaskClock {
  /** Moves the time on, from one timer to the next; before each step somebody must sleep on this clock again. */
  advance(ms: number): Promise<void>
  /** Sets the wall clock forward or back. Timers do not notice. */
  jump(ms: number): void
}

/** Longer than a machine with much to do takes to elect a leader. */
const PATIENCE_MS = 120_000

/**
 * Makes a clock that stands still at `start`. Unlike a virtual clock it waits for real work between its steps, so it can
 * be given to whoever sleeps, works against a server, and sleeps again, and to nobody else.
 */
export function wallClock(start: Date): WallClock {
  let elapsed = 0
  let offset = Number(start)
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  const slept = async (): Promise<void> => {
    const end = performance.now() + PATIENCE_MS
    while (timers.size === 0) {
      if (performance.now() > end) throw new Error('Nobody sleeps on this clock any more.')
      await sleep(1)
    }
  }
  return {
    now: () => offset + elapsed,
    elapsed: () => elapsed,
    after: (delayMs, run) => {
      const timer = { at: elapsed + Math.max(0, delayMs), run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: async (ms) => {
      const until = elapsed + ms
      for (;;) {
        await slept()
        const [next] = [...timers].sort((a, b) => a.at - b.at)
        if (next === undefined) continue
        if (next.at > until) break
        timers.delete(next)
        elapsed = Math.max(elapsed, next.at)
        next.run()
      }
      elapsed = until
    },
    jump: (ms) => {
      offset += ms
    },
  }
}
