/** One look at a server's clock that shows whole seconds only. Times in milliseconds. */
export interface ClockReading {
  /** Our clock when we asked, and when the answer was there. */
  readonly askedAt: number
  readonly answeredAt: number
  /** What the server showed, times 1000. */
  readonly shown: number
}

/**
 * Estimates a server's clock minus ours from readings of its whole seconds.
 *
 * A reading bounds the offset to a second and the time of the answer; readings at other moments of the second narrow it,
 * and asking where the middle of what is left would tick halves it each time.
 */
export class ClockOffset {
  #low = Number.NEGATIVE_INFINITY
  #high = Number.POSITIVE_INFINITY

  /** The middle of what is possible; 0 before the first reading. */
  get estimateMs(): number {
    return this.measured ? (this.#low + this.#high) / 2 : 0
  }

  /** How far the estimate may be off. */
  get errorMs(): number {
    return (this.#high - this.#low) / 2
  }

  get measured(): boolean {
    return Number.isFinite(this.#low)
  }

  /** Takes in a reading. One that contradicts the others (a clock was set) begins anew. */
  add({ askedAt, answeredAt, shown }: ClockReading): void {
    const low = shown - answeredAt
    const high = shown + 1000 - askedAt
    const narrowLow = Math.max(low, this.#low)
    const narrowHigh = Math.min(high, this.#high)
    const contradicts = narrowLow >= narrowHigh
    this.#low = contradicts ? low : narrowLow
    this.#high = contradicts ? high : narrowHigh
  }

  /** Lets the bounds go by a little, because two clocks drift apart. */
  loosen(byMs: number): void {
    this.#low -= byMs
    this.#high += byMs
  }

  /** How long to wait from `now` until a reading tells the most: when the estimate says that the server's second turns. */
  nextReadingInMs(now: number): number {
    const serverNow = now + this.estimateMs
    return 1000 - (((serverNow % 1000) + 1000) % 1000)
  }
}
