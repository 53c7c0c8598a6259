/** A wait that stands in a {@link DeadlineLine}, which links it to its neighbours. */
export interface Standing {
  /** When its time is up, by `performance.now()`; set by the line. */
  due: number
  previous: Standing | undefined
  next: Standing | undefined
  /** Its time is up; it stands in the line no more. */
  ring(): void
}

/**
 * Waits of one length, in the order in which they began and therefore end: one timer for all of them.
 *
 * A timer for each would cost more than the rest of a call. The one here is never taken back: when it rings for a wait that
 * is over, it is set for the first of those that are not. It keeps no process alive.
 */
export class DeadlineLine {
  readonly #lengthMs: number
  #first: Standing | undefined
  #last: Standing | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  join(wait: Standing): void {
    wait.due = performance.now() + this.#lengthMs
    wait.previous = this.#last
    if (this.#last === undefined) this.#first = wait
    else this.#last.next = wait
    this.#last = wait
    this.#timer ??= this.#timerFor(this.#lengthMs)
  }

  /** Does nothing when it does not stand here. */
  leave(wait: Standing): void {
    const { previous, next } = wait
    if (previous === undefined && this.#first !== wait) return
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    wait.previous = undefined
    wait.next = undefined
  }

  /** Takes its timer back when nobody stands here: nobody will. */
  disarm(): void {
    if (this.#first !== undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #ring(): void {
    const now = performance.now()
    for (let wait = this.#first; wait !== undefined && wait.due <= now; wait = this.#first) {
      this.leave(wait)
      wait.ring()
    }
    this.#timer = this.#first && this.#timerFor(this.#first.due - now)
  }

  #timerFor(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#ring(), Math.ceil(ms)).unref()
  }
}
