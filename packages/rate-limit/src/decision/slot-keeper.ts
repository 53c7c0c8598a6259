import type { Correction } from '../rate-limit-backend.js'

/** Renews the slots that this process holds, all at once, until they are let go. One timer, only while some are held. */
export class SlotKeeper {
  readonly #renew: (slots: readonly Correction[]) => void
  readonly #held = new Set<readonly Correction[]>()
  #timer: NodeJS.Timeout | undefined
  #everyMs: number = Number.POSITIVE_INFINITY

  /** @param renew sends the renewals; what becomes of them is its own affair. */
  constructor(renew: (slots: readonly Correction[]) => void) {
    this.#renew = renew
  }

  hold(slots: readonly Correction[]): void {
    this.#held.add(slots)
    const everyMs = Math.max(1, Math.floor(Math.min(...slots.map(({ limit }) => limit.windowMs)) / RENEWALS_PER_LEASE))
    if (everyMs >= this.#everyMs) return
    clearInterval(this.#timer)
    this.#everyMs = everyMs
    this.#timer = setInterval(() => this.#renewAll(), everyMs)
    this.#timer.unref()
  }

  letGo(slots: readonly Correction[]): void {
    this.#held.delete(slots)
    if (this.#held.size === 0) this.close()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#everyMs = Number.POSITIVE_INFINITY
    this.#held.clear()
  }

  #renewAll(): void {
    this.#renew([...this.#held].flat().map((slot) => ({ ...slot, by: 1 })))
  }
}

/** A renewal may be lost, and the next one late, before a lease runs out. */
const RENEWALS_PER_LEASE = 3
