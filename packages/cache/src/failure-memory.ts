import type { Clock } from '@plinth/core'

/** One failure of a computation. */
interface Failure {
  readonly error: unknown
  readonly until: number
  readonly times: number
}

/** How long a key whose computation failed rests while there is something older to answer: doubled each time. */
const REST_MS = { first: 500, most: 30_000 }
const MAX_KEYS = 1_000

/** Which computations failed lately in this process, so that not every caller tries again what just failed. Bounded. */
export class FailureMemory {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failure>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `errorMs`: how long the error itself is the answer. With something older to answer, the key rests longer each time. */
  remember(key: string, error: unknown, errorMs: number, hasOlder: boolean): void {
    const times = (this.#failures.get(key)?.times ?? 0) + 1
    const restMs = hasOlder ? Math.min(REST_MS.first * 2 ** (times - 1), REST_MS.most) : 0
    const forMs = Math.max(errorMs, restMs)
    this.#failures.delete(key)
    if (forMs === 0) return
    this.#failures.set(key, { error, until: this.#clock.elapsed() + forMs, times })
    if (this.#failures.size > MAX_KEYS) this.#failures.delete(this.#failures.keys().next().value as string)
  }

  /** The error of a computation that failed a moment ago. */
  recent(key: string): { readonly error: unknown } | undefined {
    if (this.#failures.size === 0) return undefined
    const failure = this.#failures.get(key)
    return failure !== undefined && this.#clock.elapsed() < failure.until ? failure : undefined
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }
}
