import type { ConsumeOptions, TaskConsumer } from '../../broker.js'
import { LanePicker } from '../../lane-picker.js'
import { systemTaskClock } from '../../task-clock.js'
import type { Holder, MemoryEntry } from './memory-entry.js'

/** One worker's hold on the hub. */
export class MemoryConsumer implements TaskConsumer, Holder {
  readonly options: ConsumeOptions
  readonly picker: LanePicker
  readonly held: Set<MemoryEntry> = new Set()
  /** Whether it runs a suspect, so nothing else. */
  solo = false
  readonly #leave: (consumer: MemoryConsumer) => void
  #taking = true
  #idle: (() => void) | undefined

  constructor(options: ConsumeOptions, leave: (consumer: MemoryConsumer) => void) {
    this.#leave = leave
    this.options = options
    this.picker = new LanePicker(options.weights)
  }

  /** Whether it may still be handed a task. */
  get taking(): boolean {
    return this.#taking
  }

  get hasRoom(): boolean {
    return this.#taking && !this.solo && this.held.size < this.options.concurrency
  }

  /** Called by the hub when it has let go of an entry. */
  released(entry: MemoryEntry): void {
    this.held.delete(entry)
    if (entry.suspect || this.held.size === 0) this.solo = false
    if (this.held.size === 0) this.#idle?.()
  }

  stop(): Promise<void> {
    this.#taking = false
    return Promise.resolve()
  }

  async close(deadlineMs = 5000): Promise<void> {
    this.#taking = false
    if (this.held.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = systemTaskClock.after(deadlineMs, resolve)
        this.#idle = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#leave(this)
  }
}
