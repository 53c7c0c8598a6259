/** What came of a computation. Each caller opens a copy of its own. */
export interface Outcome {
  open(): unknown
  /** Whether it is known that nothing it depends on was invalidated while it was computed. */
  readonly trusted: boolean
}

/** One computation under way in this process, and everybody who waits for it. */
export class Flight {
  /** Aborts the computation. */
  readonly controller: AbortController = new AbortController()
  /** An older value that may be answered when the computation fails or takes too long. */
  readonly fallback: (() => unknown) | undefined
  #outcome: Promise<Outcome> | undefined
  #waiting = 0

  constructor(fallback: (() => unknown) | undefined) {
    this.fallback = fallback
  }

  /** Begins; `work` runs to its end even if nobody waits, unless it minds the controller. */
  start(work: () => Promise<Outcome>): void {
    this.#outcome = work()
    this.#outcome.catch(() => {}) // whoever waits learns of it
  }

  /**
   * Waits for the outcome, at most until the signal aborts, or `softMs` when there is something older to answer. When the last one
   * gives up, the computation is aborted.
   */
  async join(softMs: number | undefined, signal: AbortSignal | undefined): Promise<Outcome> {
    this.#waiting++
    try {
      return await this.#wait(softMs, signal)
    } catch (error) {
      if (signal?.aborted || this.fallback === undefined) throw error
      return { open: this.fallback, trusted: true }
    } finally {
      this.#waiting--
      if (this.#waiting === 0 && signal?.aborted) this.controller.abort(signal.reason)
    }
  }

  async #wait(softMs: number | undefined, signal: AbortSignal | undefined): Promise<Outcome> {
    const outcome = this.#outcome as Promise<Outcome>
    const { fallback } = this
    const soft = fallback === undefined ? undefined : softMs
    if (soft === undefined && signal === undefined) return outcome
    signal?.throwIfAborted()
    let timer: NodeJS.Timeout | undefined
    let give: (() => void) | undefined
    const sooner = new Promise<Outcome>((resolve, reject) => {
      give = () => reject(signal?.reason)
      signal?.addEventListener('abort', give, { once: true })
      if (soft !== undefined && fallback !== undefined) {
        timer = setTimeout(() => resolve({ open: fallback, trusted: true }), soft)
        timer.unref()
      }
    })
    try {
      return await Promise.race([outcome, sooner])
    } finally {
      clearTimeout(timer)
      if (give) signal?.removeEventListener('abort', give)
    }
  }
}
