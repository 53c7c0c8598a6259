import { BackendUnavailableError, type CallOptions, withDeadline } from '@plinth/core'

interface Waiter {
  readonly count: number
  readonly go: () => void
}

/**
 * Bounds how many messages are under way to a broker at once; further calls wait their turn, first come, first served.
 *
 * It keeps a slow broker from filling this process's memory with messages that nobody has confirmed.
 */
export class InFlight {
  readonly #most: number
  readonly #waiting: Waiter[] = []
  #used = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Takes `count` places (at most all of them count) if they are free now. */
  tryTake(count: number): boolean {
    if (this.#waiting.length > 0 || this.#used + count > this.#most) return false
    this.#used += count
    return true
  }

  /** Takes `count` places as soon as they are free. Rejects with `BackendUnavailableError` (`refused`) at the deadline. */
  async take(count: number, options: CallOptions): Promise<void> {
    if (this.tryTake(count)) return
    let waiter: Waiter | undefined
    const turn = new Promise<void>((resolve) => {
      waiter = { count, go: resolve }
      this.#waiting.push(waiter)
    })
    try {
      await withDeadline(turn, {
        ...options,
        onDeadline: () =>
          new BackendUnavailableError(
            `${this.#used} messages are under way to the broker and it does not keep up; this one was not sent.`,
            { reason: 'refused' },
          ),
      })
    } catch (error) {
      const index = waiter === undefined ? -1 : this.#waiting.indexOf(waiter)
      if (index >= 0) this.#waiting.splice(index, 1)
      else this.give(count) // its turn came while it gave up
      throw error
    }
  }

  /** Gives places back. */
  give(count: number): void {
    this.#used -= count
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      if (this.#used + next.count > this.#most) return
      this.#waiting.shift()
      this.#used += next.count
      next.go()
    }
  }
}
