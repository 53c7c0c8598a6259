import { withDeadline } from '@plinth/core'
import type { CancelAnswer } from './broker.js'
import type { EnqueueBuffer } from './enqueue-buffer.js'
import { systemTaskClock } from './task-clock.js'
import { ResultTimeoutError, ResultUnavailableError, TaskCancelledError } from './task-errors.js'
import { checkReason, type ResultOptions, readResultOptions, type TaskHandle, type TaskStatus } from './task-handle.js'

/** A handle of a task that waits in this process for its broker to come back; after that, that of the stored task. */
export class BufferedHandle implements TaskHandle {
  readonly id: string
  readonly queue: string
  readonly deduplicated = false
  readonly #buffer: EnqueueBuffer
  readonly #stored: (id: string) => TaskHandle
  #cancelled: TaskCancelledError | undefined
  #inner: TaskHandle | undefined

  constructor(id: string, queue: string, buffer: EnqueueBuffer, stored: (id: string) => TaskHandle) {
    this.id = id
    this.queue = queue
    this.#buffer = buffer
    this.#stored = stored
    void buffer.left(id).then((flushed) => {
      if (flushed !== undefined) this.#inner = stored(flushed.id)
    })
  }

  async result(options: ResultOptions = {}): Promise<unknown> {
    const { timeoutMs, signal } = readResultOptions(options)
    const end = systemTaskClock.elapsed() + timeoutMs
    const flushed = await withDeadline(this.#buffer.left(this.id), {
      deadlineMs: timeoutMs,
      signal,
      onDeadline: () => new ResultTimeoutError(this.id, timeoutMs),
    })
    if (this.#cancelled !== undefined) throw this.#cancelled
    const inner = this.#inner ?? (flushed === undefined ? undefined : this.#stored(flushed.id))
    if (inner === undefined) throw new ResultUnavailableError(this.id)
    const left = Math.max(0, end - systemTaskClock.elapsed())
    return inner.result(signal === undefined ? { timeout: left } : { timeout: left, signal })
  }

  async status(): Promise<TaskStatus> {
    if (this.#buffer.has(this.id)) return 'buffered'
    if (this.#cancelled !== undefined) return 'cancelled'
    return this.#inner === undefined ? 'unknown' : this.#inner.status()
  }

  async progress(): Promise<unknown> {
    return this.#inner?.progress()
  }

  async cancel(reason?: string): Promise<CancelAnswer | 'disabled'> {
    checkReason(reason)
    if (this.#buffer.remove(this.id)) {
      this.#cancelled = new TaskCancelledError(reason ?? `Task ${this.id} was cancelled.`)
      return 'cancelled'
    }
    if (this.#cancelled !== undefined) return 'finished'
    return (this.#inner ?? this.#stored(this.id)).cancel(reason)
  }
}
