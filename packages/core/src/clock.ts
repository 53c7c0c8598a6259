/** Where a component reads the time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May step when the machine's clock is set. */
  now(): number
  /** Milliseconds from an arbitrary start that never steps back: for durations, never for dates. */
  elapsed(): number
}

/** The machine's own clocks: `Date.now` and `performance.now`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
}
