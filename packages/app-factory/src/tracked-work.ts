/** Work in flight that closing waits for. */
export class TrackedWork {
  readonly #unsettled = new Set<Promise<void>>()

  /** Holds closing back until `work` has settled; answers `work`. */
  add<Result>(work: Promise<Result>): Promise<Result> {
    const settled: Promise<void> = work.then(
      () => {},
      () => {},
    )
    this.#unsettled.add(settled)
    void settled.then(() => this.#unsettled.delete(settled))
    return work
  }

  /** How much there is. */
  get size(): number {
    return this.#unsettled.size
  }

  /** Resolves when everything that was added has settled. */
  async settled(): Promise<void> {
    while (this.#unsettled.size > 0) await Promise.all(this.#unsettled)
  }
}
