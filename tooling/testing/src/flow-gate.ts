import { Transform, type TransformCallback } from 'node:stream'

/** What stands in the way of the bytes of one direction of a connection. */
export interface FlowRules {
  /** Nothing passes while true; what was held goes on when it is false again. */
  readonly isHeld: boolean
  /** How much later each piece passes, in milliseconds. */
  readonly delayMs: number
}

/** A piece of a pipe that holds or delays what passes, in order, by rules that may change at any time. */
export class FlowGate extends Transform {
  readonly #rules: () => FlowRules
  readonly #passed: (bytes: number) => void
  #held: (() => void) | undefined
  #lastDue = 0
  /** Timers may fire in another order than they were set, by a fraction of a millisecond: each takes the oldest piece. */
  readonly #delayed: Buffer[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #whenEmpty: (() => void) | undefined

  constructor(rules: () => FlowRules, passed: (bytes: number) => void = () => {}) {
    super()
    this.#rules = rules
    this.#passed = passed
  }

  /** Looks at the rules again: call it when they have changed. */
  update(): void {
    if (this.#rules().isHeld) return
    const held = this.#held
    this.#held = undefined
    held?.()
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const { isHeld, delayMs } = this.#rules()
    if (isHeld) {
      // Not taking the next piece fills the buffers before this one, up to the sender: as with a frozen reader.
      this.#held = () => this._transform(chunk, _encoding, done)
      return
    }
    this.#passed(chunk.length)
    const now = performance.now()
    this.#lastDue = Math.max(this.#lastDue, now + delayMs)
    if (this.#lastDue <= now && this.#delayed.length === 0) {
      done(null, chunk)
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.push(this.#delayed.shift())
      if (this.#delayed.length === 0) this.#whenEmpty?.()
    }, this.#lastDue - now)
    this.#timers.add(timer)
    this.#delayed.push(chunk)
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#rules().isHeld) this.#held = () => this._flush(done)
    else if (this.#delayed.length > 0) this.#whenEmpty = () => done()
    else done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const timer of this.#timers) clearTimeout(timer)
    done(error)
  }
}
