/** One look at a server's clock that shows whole seconds. Times in milliseconds. */
export interface ClockReading {
  /** Our clock when we asked, and when the answer was there. */
  readonly askedAt: number
  readonly answeredAt: number
  /** What the server showed, times 1000. */
  readonly shown: number
}

/**
 * Memcached shows a counter of seconds that a timer moves: it lags by up to two seconds, and the lag itself creeps by a
 * millisecond or two each second and falls back when it reaches one (measured on 1.6.18).
 */
const LAG_MS = 1000
const TOLERANCE_MS = 2000

/**
 * How far a server's clock is from ours, as far as its ticks can tell.
 *
 * It stays as it is until a reading contradicts it by more than the ticks explain. So processes with synchronised clocks
 * agree to the millisecond (all say 0), and one whose clock is set wrongly is corrected to within two seconds.
 */
export class ClockOffset {
  #offsetMs = 0

  /** The server's clock minus ours. */
  get ms(): number {
    return this.#offsetMs
  }

  add({ askedAt, answeredAt, shown }: ClockReading): void {
    const tolerance = TOLERANCE_MS + (answeredAt - askedAt) / 2
    const reading = shown + LAG_MS - (askedAt + answeredAt) / 2
    if (Math.abs(reading - this.#offsetMs) > tolerance) this.#offsetMs = reading
  }
}
