import { Fifo } from './fifo.js'
import type { MemoryEntry } from './memory-entry.js'

/** Tasks that have ended and are kept for whoever asks, in the order in which they ended. */
export class MemoryEnded {
  readonly #most: number
  readonly #fifo = new Fifo<MemoryEntry>()

  /** `most` are kept at once. */
  constructor(most: number) {
    this.#most = most
  }

  push(entry: MemoryEntry): void {
    this.#fifo.push(entry)
  }

  /** Takes out what is no longer to be kept, oldest first. */
  *takeStale(now: number): Generator<MemoryEntry> {
    for (let oldest = this.#fifo.peek(); oldest !== undefined; oldest = this.#fifo.peek()) {
      const { keepDeadMs, keepResultMs } = oldest.message
      const keepMs = oldest.state === 'dead' ? keepDeadMs : keepResultMs
      const stale = oldest.ended === undefined || now - oldest.ended.at >= keepMs
      if (!stale && this.#fifo.size <= this.#most) return
      this.#fifo.shift()
      yield oldest
    }
  }
}
