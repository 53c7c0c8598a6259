import type { AvailabilityChange, Readiness, ReadyOptions } from './availability.js'
import { type Clock, systemClock } from './clock.js'
import { withDeadline } from './deadline.js'
import { MisconfiguredError } from './infra-error.js'

/**
 * Keeps whether something is available, since when, and why not, and tells listeners of every change.
 *
 * It begins unavailable. A listener that throws does not keep the others from being told.
 */
export class AvailabilityFeed implements Readiness {
  readonly #clock: Clock
  readonly #listeners = new Set<(change: AvailabilityChange) => void>()
  #available = false
  #downSince: number
  #error: Error | undefined

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#downSince = clock.elapsed()
  }

  get available(): boolean {
    return this.#available
  }

  /** What keeps it away; absent while it is available, and before anything is known. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Takes in the newest knowledge. Listeners hear of it when it became available or not, or is away for another kind of reason. */
  update(available: boolean, error?: Error): void {
    const otherReason = !available && error !== undefined && error.name !== this.#error?.name
    const changed = available !== this.#available
    if (!available && error !== undefined) this.#error = error
    if (available) this.#error = undefined
    if (!changed && !otherReason) return
    const downForMs = available ? this.#clock.elapsed() - this.#downSince : 0
    if (changed && !available) this.#downSince = this.#clock.elapsed()
    this.#available = available
    this.#tell({ available, downForMs, ...(this.#error === undefined ? {} : { error: this.#error }) })
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    const own = (change: AvailabilityChange): void => listener(change)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  whenReady(options: ReadyOptions = {}): Promise<boolean> {
    return this.#when(options, () => {
      if (!this.#available && this.#error instanceof MisconfiguredError) throw this.#error
      return this.#available
    })
  }

  /** Waits until anything is known: that it is available, or what keeps it away. When the time is up it answers false. */
  whenKnown(options: ReadyOptions = {}): Promise<boolean> {
    return this.#when(options, () => this.#available || this.#error !== undefined)
  }

  async #when({ timeoutMs = 3000, signal }: ReadyOptions, holds: () => boolean): Promise<boolean> {
    const late = new Error('not in time')
    let off = (): void => {}
    const waiting = new Promise<boolean>((resolve, reject) => {
      const look = (): void => {
        try {
          if (holds()) resolve(true)
        } catch (error) {
          reject(error)
        }
      }
      off = this.onChange(look)
      look()
    })
    try {
      return await withDeadline(waiting, { deadlineMs: timeoutMs, signal, onDeadline: () => late })
    } catch (error) {
      if (error === late) return false
      throw error
    } finally {
      off()
    }
  }

  /** Becomes unavailable for good and tells nobody: whoever closes it knows. */
  close(): void {
    this.#listeners.clear()
    this.#available = false
  }

  #tell(change: AvailabilityChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
