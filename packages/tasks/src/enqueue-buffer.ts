import type { Duration } from '@plinth/config/units'
import { BackendUnavailableError, type CallOptions, type InfraError, type Logger } from '@plinth/core'
import type { EnqueueAnswer, TaskBroker } from './broker.js'
import { encodeInput } from './encode-input.js'
import { describeFailure } from './failure.js'
import type { TaskMessage } from './message.js'
import { checkOptions, DURATION, durationOf, type Kinds, wholeFrom } from './option-checks.js'
import { sleep } from './sleep.js'
import { systemTaskClock } from './task-clock.js'
import { EnqueueBufferFullError } from './task-errors.js'

/** How much is kept in this process while the broker is away. What is beyond is refused with `EnqueueBufferFullError`. */
export interface EnqueueBufferOptions {
  /** Tasks at once. Default 1000. */
  readonly max?: number
  /** The inputs of all of them, in bytes of JSON. Default 16 MiB. */
  readonly maxBytes?: number
  /** A task that the broker has not taken after so long is given up, with a line in the log. Default `'5m'`. */
  readonly maxAge?: Duration
}

const KINDS = { max: wholeFrom(1), maxBytes: wholeFrom(1), maxAge: DURATION } satisfies Kinds<EnqueueBufferOptions>

/** What became of a buffered task: the id under which the broker has it, or nothing when it was given up. */
export type Flushed = { readonly id: string } | undefined

interface Kept {
  readonly message: TaskMessage
  readonly bytes: number
  readonly until: number
  /** Whether the broker may have it by now. */
  mayBeStored: boolean
  readonly left: Promise<Flushed>
  readonly leave: (flushed: Flushed) => void
}

/** So many tasks go to the broker in one call. */
const BATCH = 100
/** How often a broker that is away is asked again; it is asked at once when it says that it is back. */
const RETRY_MS = 1000

/**
 * Keeps tasks in this process while the broker is away, and hands them over, in order, when it is back.
 *
 * Each keeps its id, so handing it over twice stores it once. What is still here when the process dies is lost.
 */
export class EnqueueBuffer {
  readonly #broker: TaskBroker
  readonly #logger: Logger
  readonly #max: number
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #kept = new Map<string, Kept>()
  readonly #off: () => void
  #bytes = 0
  #flushing: Promise<void> | undefined
  #wake = new AbortController()
  #closed = false

  constructor(broker: TaskBroker, logger: Logger, options: EnqueueBufferOptions = {}) {
    checkOptions(options, KINDS, 'enqueueWhenDown of createTasks')
    this.#broker = broker
    this.#logger = logger
    this.#max = options.max ?? 1000
    this.#maxBytes = options.maxBytes ?? 16_777_216
    this.#maxAgeMs = durationOf(options.maxAge ?? '5m', 'maxAge of enqueueWhenDown', 1)
    this.#off = broker.onChange(({ available }) => {
      if (available) this.#wake.abort()
    })
  }

  get size(): number {
    return this.#kept.size
  }

  /** Stores messages with the broker; what it cannot take because it is away is kept here, and counts as accepted. */
  async enqueue(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
    let answers: readonly EnqueueAnswer[]
    try {
      answers = await this.#broker.enqueue(messages, call)
    } catch (error) {
      if (!isAway(error) || call.signal?.aborted === true) throw error
      answers = messages.map(() => ({ status: 'refused', error }))
    }
    return answers.map((answer, index): EnqueueAnswer => {
      const message = messages[index]
      if (message === undefined || !('error' in answer) || !isAway(answer.error)) return answer
      return this.#keep(message, answer.error, answer.status === 'unknown')
    })
  }

  /** Whether a task is here. */
  has(id: string): boolean {
    return this.#kept.has(id)
  }

  /** Resolves when a task has left, with what became of it; at once when it is not here. */
  left(id: string): Promise<Flushed> {
    return this.#kept.get(id)?.left ?? Promise.resolve({ id })
  }

  /** Takes a task out, to be enqueued never; false when it is not here, or when the broker may have it, too. */
  remove(id: string): boolean {
    const kept = this.#kept.get(id)
    if (kept === undefined || kept.mayBeStored) return false
    this.#drop(kept, undefined)
    return true
  }

  /** Hands over what can be handed over within `deadlineMs`, and says in the log what is lost. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#kept.size > 0) {
      this.#wake.abort()
      const late = new AbortController()
      await Promise.race([this.#flushing, sleep(deadlineMs, late.signal)])
      late.abort()
    }
    this.#closed = true
    this.#wake.abort()
    this.#off()
    if (this.#kept.size === 0) return
    const ids = [...this.#kept.keys()]
    this.#logger.error(
      { lost: ids.length, ids: ids.slice(0, 100) },
      `${ids.length} tasks were still buffered when tasks were closed: they are lost`,
    )
    for (const kept of [...this.#kept.values()]) this.#drop(kept, undefined)
  }

  #keep(message: TaskMessage, cause: InfraError, mayBeStored: boolean): EnqueueAnswer {
    let bytes: number
    try {
      bytes = encodeInput(message, this.#broker.capabilities.largestMessageBytes).length
    } catch (error) {
      return { status: 'refused', error: error as InfraError }
    }
    const { id } = message
    if (this.#kept.has(id)) return { status: 'duplicate', id }
    if (this.#closed || this.#kept.size >= this.#max || this.#bytes + bytes > this.#maxBytes) {
      return { status: 'refused', error: new EnqueueBufferFullError(this.#kept.size, this.#bytes, { cause }) }
    }
    let leave: Kept['leave'] = () => {}
    const left = new Promise<Flushed>((resolve) => {
      leave = resolve
    })
    // The broker may have it already: under an id that counts as known it is stored once.
    const known: TaskMessage = { ...message, dedupe: { ...message.dedupe, id: true } }
    const until = systemTaskClock.elapsed() + this.#maxAgeMs
    this.#kept.set(id, { message: known, bytes, until, mayBeStored, left, leave })
    this.#bytes += bytes
    if (this.#kept.size === 1) {
      this.#logger.warn(
        { broker: this.#broker.name, cause: describeFailure(cause) },
        'the broker is away: tasks are kept in this process until it is back, and are lost if the process dies before',
      )
    }
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return { status: 'accepted', id }
  }

  async #flush(): Promise<void> {
    let stored = 0
    while (this.#kept.size > 0 && !this.#closed) {
      this.#wake = new AbortController()
      if (!this.#broker.available) await sleep(RETRY_MS, this.#wake.signal)
      this.#giveUpOld()
      const before = this.#kept.size
      await this.#handOver([...this.#kept.values()].slice(0, BATCH))
      stored += before - this.#kept.size
      if (before === this.#kept.size && before > 0) await sleep(RETRY_MS, this.#wake.signal)
    }
    if (!this.#closed) this.#logger.info({ stored }, 'the tasks that were buffered have been handed to the broker')
  }

  async #handOver(batch: readonly Kept[]): Promise<void> {
    if (batch.length === 0) return
    const before = batch.map((kept) => kept.mayBeStored)
    for (const kept of batch) kept.mayBeStored = true
    const messages = batch.map(({ message }) => message)
    const answers = await this.#broker.enqueue(messages, { deadlineMs: 5000 }).catch(() => []) // nothing was stored
    for (const [index, kept] of batch.entries()) {
      const answer = answers[index]
      if (answer === undefined || answer.status === 'refused') kept.mayBeStored = before[index] === true
      if (answer === undefined) continue
      if (!('error' in answer)) this.#drop(kept, { id: answer.id })
      // What says no for now, a server that is still loading, may say yes later.
      else if (!(answer.error instanceof BackendUnavailableError)) this.#giveUp(kept, answer.error)
    }
  }

  #giveUpOld(): void {
    const now = systemTaskClock.elapsed()
    for (const kept of [...this.#kept.values()]) {
      if (kept.until > now) return
      this.#giveUp(kept, new BackendUnavailableError('The broker was away for too long.', { reason: 'closed' }))
    }
  }

  #giveUp(kept: Kept, error: Error): void {
    const { id, task, queue } = kept.message
    this.#logger.error({ id, task, queue, failure: describeFailure(error) }, 'a buffered task was given up: it is lost')
    this.#drop(kept, undefined)
  }

  #drop(kept: Kept, flushed: Flushed): void {
    if (!this.#kept.delete(kept.message.id)) return
    this.#bytes -= kept.bytes
    kept.leave(flushed)
  }
}

/** Whether an error tells of a broker that is away, and not of one that said no. */
function isAway(error: unknown): error is BackendUnavailableError {
  return error instanceof BackendUnavailableError && error.reason !== 'refused'
}
