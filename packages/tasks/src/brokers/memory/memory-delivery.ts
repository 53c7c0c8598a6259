import type { Delivery } from '../../broker.js'
import type { TaskMessage } from '../../message.js'
import type { ChangeLog } from './change-log.js'
import type { MemoryEntry } from './memory-entry.js'

/** An entry in the hands of a worker, its input as JSON brings it. */
export class MemoryDelivery implements Delivery {
  readonly message: TaskMessage
  readonly attempt: number
  readonly suspect: boolean
  readonly #entry: MemoryEntry
  readonly #log: ChangeLog | undefined

  constructor(entry: MemoryEntry, log: ChangeLog | undefined) {
    const input: unknown = entry.input === '' ? undefined : JSON.parse(entry.input)
    this.message = { ...entry.message, input }
    this.attempt = entry.attempt + 1
    this.suspect = entry.suspect
    this.#entry = entry
    this.#log = log
  }

  async progress(value: string): Promise<void> {
    this.#entry.progress = value
    this.#log?.note('task', this.message.id)
  }

  async recall(key: string): Promise<string | undefined> {
    return this.#entry.memo?.get(key)
  }

  async remember(key: string, value: string): Promise<void> {
    this.#entry.memo ??= new Map()
    this.#entry.memo.set(key, value)
    if (this.#log === undefined) return
    this.#log.note('task', this.message.id)
    await this.#log.written()
  }
}
