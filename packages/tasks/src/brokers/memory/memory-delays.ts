import type { CancelTimer, TaskClock } from '../../task-clock.js'
import { DueHeap } from './due-heap.js'
import type { MemoryEntry } from './memory-entry.js'

/** The tasks whose time has not come, and one timer for the first of them. */
export class MemoryDelays {
  readonly #clock: TaskClock
  readonly #ready: (entry: MemoryEntry) => void
  readonly #heap = new DueHeap<MemoryEntry>()
  #timer: { readonly at: number; readonly cancel: CancelTimer } | undefined

  constructor(clock: TaskClock, ready: (entry: MemoryEntry) => void) {
    this.#clock = clock
    this.#ready = ready
  }

  push(entry: MemoryEntry): void {
    entry.state = 'delayed'
    this.#heap.push(entry.dueAt, entry)
    this.#armTimer()
  }

  #armTimer(): void {
    const next = this.#heap.peek()
    if (next === undefined || (this.#timer !== undefined && this.#timer.at <= next.at)) return
    this.#timer?.cancel()
    const cancel = this.#clock.after(Math.max(0, next.at - this.#clock.now()), () => {
      this.#timer = undefined
      this.#wakeDue()
    })
    this.#timer = { at: next.at, cancel }
  }

  #wakeDue(): void {
    const now = this.#clock.now()
    for (let due = this.#heap.peek(); due !== undefined && due.at <= now; due = this.#heap.peek()) {
      this.#heap.pop()
      // What was cancelled or put off meanwhile has left a note behind that is no longer true.
      if (due.item.state === 'delayed' && due.item.dueAt === due.at) this.#ready(due.item)
    }
    this.#armTimer()
  }
}
