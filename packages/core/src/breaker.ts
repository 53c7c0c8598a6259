import { fullJitter } from './backoff.js'
import { type Clock, systemClock } from './clock.js'

/** When a breaker opens, and how long it waits before it tries again. All times in milliseconds. */
export interface BreakerOptions {
  /** Opens after so many failures in a row. Default 5. */
  readonly consecutiveFailures?: number
  /** Opens when at least this share of the calls in the window failed. Default 0.5. */
  readonly failureRatio?: number
  /** The share counts only from so many calls in the window on. Default 20. */
  readonly minimumCalls?: number
  /** How long a call counts, roughly: the window is kept as two halves. Default 10 000. */
  readonly windowMs?: number
  /** The ceiling of the first wait before a probe. Default 250. */
  readonly probeBaseMs?: number
  /** The ceiling of every wait before a probe. Default 1000, so that a backend is back within about a second of its return. */
  readonly probeCapMs?: number
  readonly clock?: Clock
  /** Answers from 0 up to, not including, 1. Default `Math.random`. */
  readonly random?: () => number
}

interface Tally {
  calls: number
  failures: number
}

/**
 * Decides from the outcomes of calls whether a backend should be asked at all.
 *
 * It opens after a run of failures, or when too large a share of the calls in a rolling window failed, and closes only by
 * {@link Breaker.reset}, after a probe succeeded. It starts no timers and makes no calls: its owner probes.
 */
export class Breaker {
  readonly #options: Required<Omit<BreakerOptions, 'probeBaseMs' | 'probeCapMs'>>
  readonly #wait: (attempt: number) => number
  #open = false
  #consecutive = 0
  #probes = 0
  #current: Tally = { calls: 0, failures: 0 }
  #previous: Tally = { calls: 0, failures: 0 }
  #halfBegan: number

  constructor(options: BreakerOptions = {}) {
    const { probeBaseMs = 250, probeCapMs = 1000, ...rest } = options
    const { consecutiveFailures = 5, failureRatio = 0.5, minimumCalls = 20, windowMs = 10_000 } = rest
    const { clock = systemClock, random = Math.random } = rest
    this.#options = { consecutiveFailures, failureRatio, minimumCalls, windowMs, clock, random }
    this.#wait = fullJitter({ baseMs: probeBaseMs, capMs: probeCapMs, random })
    this.#halfBegan = clock.elapsed()
  }

  /** Whether the backend must not be asked. */
  get open(): boolean {
    return this.#open
  }

  /** Counts a call that the backend answered. */
  success(): void {
    this.#consecutive = 0
    this.#roll()
    this.#current.calls += 1
  }

  /** Counts a call that the backend did not answer, or refused for now. Answers whether this opened the breaker. */
  failure(): boolean {
    this.#consecutive += 1
    this.#roll()
    this.#current.calls += 1
    this.#current.failures += 1
    if (this.#open || !this.#mustOpen()) return false
    this.trip()
    return true
  }

  /** Opens it whatever was counted: something else than a call told. */
  trip(): void {
    if (!this.#open) this.#probes = 0
    this.#open = true
  }

  /** Answers how long to wait before the next probe, in milliseconds; longer with every probe that failed. */
  nextProbeMs(): number {
    this.#probes += 1
    return this.#wait(this.#probes)
  }

  /** Closes it and forgets what was counted. */
  reset(): void {
    this.#open = false
    this.#consecutive = 0
    this.#current = { calls: 0, failures: 0 }
    this.#previous = { calls: 0, failures: 0 }
  }

  #mustOpen(): boolean {
    const { consecutiveFailures, failureRatio, minimumCalls } = this.#options
    if (this.#consecutive >= consecutiveFailures) return true
    const calls = this.#current.calls + this.#previous.calls
    const failures = this.#current.failures + this.#previous.failures
    return calls >= minimumCalls && failures >= calls * failureRatio
  }

  #roll(): void {
    const half = this.#options.windowMs / 2
    const age = this.#options.clock.elapsed() - this.#halfBegan
    if (age < half) return
    this.#previous = age < 2 * half ? this.#current : { calls: 0, failures: 0 }
    this.#current = { calls: 0, failures: 0 }
    this.#halfBegan = this.#options.clock.elapsed()
  }
}
