import type { Delivery } from '../../broker.js'
import type { TaskMessage } from '../../message.js'
import type { MemoryEntry } from './memory-entry.js'

/** An entry in the hands of a worker, its input as JSON brings it. */
export class MemoryDelivery implements Delivery {
  readonly message: TaskMessage
  readonly attempt: number
  readonly suspect: boolean
  readonly #entry: MemoryEntry

  constructor(entry: MemoryEntry) {
    const input: unknown = entry.input === '' ? undefined : JSON.parse(entry.input)
    this.message = { ...entry.message, input }
    this.attempt = entry.attempt + 1
    this.suspect = entry.suspect
    this.#entry = entry
  }

  async progress(value: string): Promise<void> {
    this.#entry.progress = value
  }

  async recall(key: string): Promise<string | undefined> {
    return this.#entry.memo?.get(key)
  }

  async remember(key: string, value: string): Promise<void> {
    this.#entry.memo ??= new Map()
    this.#entry.memo.set(key, value)
  }
}
