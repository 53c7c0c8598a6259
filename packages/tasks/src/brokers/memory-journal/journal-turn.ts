import type { Change } from '../memory/change-log.js'

/** What changed between two writes, and who waits for it to be written. */
export class JournalTurn {
  readonly #noted = new Map<string, readonly [Change, string]>()
  readonly written: Promise<void>
  /** Rejects when writing failed; it may succeed later. */
  readonly committed: Promise<void>
  #resolveWritten: () => void = () => {}
  #resolveCommitted: () => void = () => {}
  #rejectCommitted: (error: Error) => void = () => {}

  constructor() {
    this.written = new Promise((resolve) => {
      this.#resolveWritten = resolve
    })
    this.committed = new Promise((resolve, reject) => {
      this.#resolveCommitted = resolve
      this.#rejectCommitted = reject
    })
    this.committed.catch(() => {}) // nobody may be waiting
  }

  get isEmpty(): boolean {
    return this.#noted.size === 0
  }

  note(change: Change, name: string): void {
    this.#noted.set(`${change} ${name}`, [change, name])
  }

  noted(): Iterable<readonly [Change, string]> {
    return this.#noted.values()
  }

  done(): void {
    this.#resolveWritten()
    this.#resolveCommitted()
  }

  /** Writing failed: it is still to be written, with `later`. */
  failed(error: Error, later: JournalTurn): void {
    this.#rejectCommitted(error)
    for (const [change, name] of this.#noted.values()) later.note(change, name)
    void later.written.then(this.#resolveWritten)
  }
}
