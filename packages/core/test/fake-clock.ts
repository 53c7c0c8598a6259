import type { Clock } from '@plinth/core'

/** A clock that stands still until it is turned. */
export class FakeClock implements Clock {
  #elapsed = 0

  now(): number {
    return 1_700_000_000_000 + this.#elapsed
  }

  elapsed(): number {
    return this.#elapsed
  }

  pass(ms: number): void {
    this.#elapsed += ms
  }
}
