import { dedupeScope } from '../../dedupe-scope.js'
import type { TaskMessage } from '../../message.js'
import type { ChangeLog } from './change-log.js'

/** A task that an idempotency key stands for, until a time. */
export interface KeyWindow {
  readonly id: string
  readonly until: number
}

/** Which keys are held, and by which task. */
export class MemoryDedupe {
  readonly windows: Map<string, KeyWindow> = new Map()
  readonly #held = new Map<string, string>()
  readonly #log: ChangeLog | undefined
  #sweepAt = 1000

  constructor(log?: ChangeLog) {
    this.#log = log
  }

  /** The id of the task that holds a key of this message; `undefined` when all its keys are free. */
  holder(message: TaskMessage, now: number): string | undefined {
    const { idempotency, unique, debounce } = message.dedupe ?? {}
    if (idempotency !== undefined) {
      const known = this.windows.get(dedupeScope('i', message, idempotency.key))
      if (known !== undefined && known.until > now) return known.id
    }
    if (unique !== undefined) return this.#held.get(dedupeScope('u', message, unique.key))
    if (debounce !== undefined) return this.#held.get(dedupeScope('d', message, debounce.key))
    return undefined
  }

  /** Takes all keys of a message for it. */
  claim(message: TaskMessage, now: number): void {
    const { idempotency, unique, debounce } = message.dedupe ?? {}
    if (idempotency !== undefined) {
      const until = now + idempotency.windowMs
      const scope = dedupeScope('i', message, idempotency.key)
      this.windows.set(scope, { id: message.id, until })
      this.#log?.note('key', scope)
      if (this.windows.size > this.#sweepAt) this.#sweep(now)
    }
    if (unique !== undefined || debounce !== undefined) this.hold(message)
  }

  /** Takes the keys of a message that do not outlive its task. */
  hold(message: TaskMessage): void {
    const { unique, debounce } = message.dedupe ?? {}
    if (unique !== undefined) this.#held.set(dedupeScope('u', message, unique.key), message.id)
    if (debounce !== undefined) this.#held.set(dedupeScope('d', message, debounce.key), message.id)
  }

  /** Whether a message holds such a key now. The two cannot be asked for together. */
  holds(message: TaskMessage): boolean {
    const { unique, debounce } = message.dedupe ?? {}
    if (unique !== undefined) return this.#held.get(dedupeScope('u', message, unique.key)) === message.id
    return debounce !== undefined && this.#held.get(dedupeScope('d', message, debounce.key)) === message.id
  }

  /** Lets go of the keys that hold only until a task starts. */
  started(message: TaskMessage): void {
    const { unique, debounce } = message.dedupe ?? {}
    if (debounce !== undefined) this.#release(dedupeScope('d', message, debounce.key), message.id)
    if (unique?.while === 'pending') this.#release(dedupeScope('u', message, unique.key), message.id)
  }

  /** Lets go of every key that does not outlive a task. */
  ended(message: TaskMessage): void {
    this.started(message)
    const unique = message.dedupe?.unique
    if (unique !== undefined) this.#release(dedupeScope('u', message, unique.key), message.id)
  }

  #release(scope: string, id: string): void {
    if (this.#held.get(scope) === id) this.#held.delete(scope)
  }

  /** Drops what has expired; as the next sweep comes after as many again, a claim costs constant time on average. */
  #sweep(now: number): void {
    for (const [scope, { until }] of this.windows) {
      if (until <= now) this.windows.delete(scope)
    }
    this.#sweepAt = Math.max(1000, this.windows.size * 2)
  }
}
