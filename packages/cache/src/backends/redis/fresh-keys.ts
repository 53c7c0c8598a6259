/** How many keys a generation holds. */
const GENERATION = 4_096
/** A reading of the server's clock is used no longer than this. Milliseconds. */
const READING_MS = 1_000

/** What is expected of an entry. */
export interface Expectation {
  /** Until when it is fresh, by the server's clock. */
  readonly until: number
  /** The guards it depends on. */
  readonly guards: readonly string[]
  /** Their names, one a line, as they stand in its frame. */
  readonly names: string
}

/**
 * Which entries are probably fresh, as far as this process has seen, and what the server's clock shows.
 *
 * A guess decides only how the server is asked: an entry that is not what was expected is asked for again. Keys are kept in two
 * generations, so that what was not seen for long is forgotten.
 */
export class FreshKeys {
  #young = new Map<string, Expectation>()
  #old = new Map<string, Expectation>()
  #offsetMs = 0
  #readAt = Number.NEGATIVE_INFINITY

  /** Whether the server's clock was read lately. */
  get clockKnown(): boolean {
    return performance.now() - this.#readAt < READING_MS
  }

  /** What the server's clock shows, in milliseconds, by its last reading. */
  serverNow(): number {
    return performance.now() + this.#offsetMs
  }

  /** The server's clock showed `now` somewhere between asking and answering. Cristian's algorithm: half way. */
  clockRead(now: number, askedAt: number): void {
    const elapsed = performance.now()
    this.#readAt = elapsed
    this.#offsetMs = now - (askedAt + elapsed) / 2
  }

  /** An entry was seen that is fresh until then, by the server's clock, unless one of its guards changes. */
  saw(key: string, until: number, guards: readonly string[]): void {
    this.#keep(key, { until, guards, names: guards.join('\n') })
  }

  /** What is expected of an entry that is probably fresh. */
  expect(key: string, now: number): Expectation | undefined {
    let expected = this.#young.get(key)
    if (expected === undefined) {
      expected = this.#old.get(key)
      if (expected === undefined) return undefined
      this.#keep(key, expected)
    }
    return now < expected.until ? expected : undefined
  }

  /** These entries, or all of them, were changed by this process. */
  forget(keys?: readonly string[]): void {
    if (keys === undefined) {
      this.#young.clear()
      this.#old.clear()
      return
    }
    for (const key of keys) {
      this.#young.delete(key)
      this.#old.delete(key)
    }
  }

  #keep(key: string, expected: Expectation): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, expected)
  }
}
