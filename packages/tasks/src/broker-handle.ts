import type { CallOptions } from '@plinth/core'
import type { CancelAnswer, TaskBroker, TaskRecord } from './broker.js'
import type { TaskRef } from './message.js'
import type { Settled } from './outcome.js'
import { ResultTimeoutError, ResultUnavailableError, TaskCancelledError, TaskFailedError } from './task-errors.js'
import { checkReason, type ResultOptions, readResultOptions, type TaskHandle, type TaskStatus } from './task-handle.js'

/** Never reached: only holds the process. */
const LONG_MS = 2_147_483_647

/** What a handle knows about its task without asking. */
export interface HandleFacts extends TaskRef {
  readonly task: string
  readonly deduplicated: boolean
  /** Whether the broker has confirmed it to this process, and until when it is delayed. */
  readonly accepted: boolean
  readonly dueAt: number | undefined
}

/** A handle that asks a broker. */
export class BrokerHandle implements TaskHandle {
  readonly #broker: TaskBroker
  readonly #facts: HandleFacts
  readonly #call: CallOptions

  constructor(broker: TaskBroker, facts: HandleFacts, call: CallOptions) {
    this.#broker = broker
    this.#facts = facts
    this.#call = call
  }

  get id(): string {
    return this.#facts.id
  }

  get queue(): string {
    return this.#facts.queue
  }

  get deduplicated(): boolean {
    return this.#facts.deduplicated
  }

  async result(options: ResultOptions = {}): Promise<unknown> {
    const { timeoutMs, signal } = readResultOptions(options)
    const waiting = new AbortController()
    const passOn = (): void => waiting.abort(signal?.reason)
    if (signal?.aborted === true) passOn()
    signal?.addEventListener('abort', passOn, { once: true })
    const keepAlive = setInterval(() => {}, LONG_MS) // a process that awaits a result does not just end
    const cancelTimer = this.#broker.clock.after(timeoutMs, () => {
      waiting.abort(new ResultTimeoutError(this.id, timeoutMs))
    })
    try {
      return this.#unwrap(await this.#broker.settled(this.#facts, waiting.signal))
    } finally {
      clearInterval(keepAlive)
      cancelTimer()
      signal?.removeEventListener('abort', passOn)
    }
  }

  async status(): Promise<TaskStatus> {
    const record = await this.#inspect()
    const { inspectWaiting } = this.#broker.capabilities
    if (record !== undefined && (inspectWaiting || record.state !== 'waiting')) return record.state
    if (inspectWaiting || (record === undefined && !this.#facts.accepted)) return 'unknown'
    // This broker only knows what has started; what it confirmed and has not started, waits.
    return (this.#facts.dueAt ?? 0) > this.#broker.clock.now() ? 'delayed' : 'waiting'
  }

  async progress(): Promise<unknown> {
    return (await this.#inspect())?.progress
  }

  async cancel(reason?: string): Promise<CancelAnswer> {
    checkReason(reason)
    return this.#broker.cancel(this.#facts, reason, this.#call)
  }

  #inspect(): Promise<TaskRecord | undefined> {
    return this.#broker.inspect(this.#facts, this.#call)
  }

  #unwrap(settled: Settled | undefined): unknown {
    switch (settled?.status) {
      case 'completed':
        return settled.result
      case 'dead':
        throw new TaskFailedError(this.id, this.#facts.task, settled.reason, settled.failure)
      case 'cancelled':
        throw new TaskCancelledError(settled.reason ?? `Task ${this.id} was cancelled.`)
      default:
        throw new ResultUnavailableError(this.id)
    }
  }
}
