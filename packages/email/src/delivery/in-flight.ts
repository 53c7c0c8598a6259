/** The work that is under way, so that closing can wait for it. */
export class InFlight {
  readonly #running = new Set<Promise<unknown>>()

  /** Runs `work` and remembers it until it ends. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Waits until everything that is under way now has ended, whichever way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }
}
