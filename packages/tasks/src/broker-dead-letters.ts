import type { CallOptions } from '@plinth/core'
import type { TaskBroker } from './broker.js'
import type { DeadFilter, DeadLetter } from './dead-letter.js'
import type { DeadLetters, ReplayOptions, ReplayReport } from './dead-letters.js'

/** How many dead letters are read at once. */
const PAGE = 200

/** The dead letters of the queues a service knows. */
export class BrokerDeadLetters implements DeadLetters {
  readonly #broker: TaskBroker
  readonly #queues: readonly string[]
  readonly #call: CallOptions

  constructor(broker: TaskBroker, queues: readonly string[], call: CallOptions) {
    this.#broker = broker
    this.#queues = queues
    this.#call = call
  }

  async list({
    limit = 100,
    ...filter
  }: DeadFilter & { readonly limit?: number } = {}): Promise<readonly DeadLetter[]> {
    const found: DeadLetter[] = []
    for (const queue of filter.queue === undefined ? this.#queues : [filter.queue]) {
      for (let offset = 0; found.length < limit; offset += PAGE) {
        const page = await this.#broker.deadLetters({ queue, offset, limit: PAGE }, this.#call)
        found.push(...page.filter((letter) => fits(letter, filter)))
        if (page.length < PAGE) break
      }
    }
    return found.sort((a, b) => a.deadAt - b.deadAt).slice(0, limit)
  }

  async replay(which: string | DeadFilter, options: ReplayOptions = {}): Promise<ReplayReport> {
    const { limit = 1000, dryRun = false } = options
    const chosen = typeof which === 'string' ? await this.#byId(which) : await this.list({ ...which, limit })
    if (dryRun) return { replayed: chosen.map(({ id }) => id), dryRun }
    const replayed: string[] = []
    for (const { id, queue } of chosen) {
      if (await this.#broker.replay({ id, queue }, this.#call)) replayed.push(id)
    }
    return { replayed, dryRun }
  }

  async discard(id: string): Promise<boolean> {
    for (const queue of this.#queues) {
      if (await this.#broker.discard({ id, queue }, this.#call)) return true
    }
    return false
  }

  async #byId(id: string): Promise<readonly { readonly id: string; readonly queue: string }[]> {
    for (const queue of this.#queues) {
      const record = await this.#broker.inspect({ id, queue }, this.#call)
      if (record?.state === 'dead') return [{ id, queue }]
    }
    return []
  }
}

function fits(letter: DeadLetter, filter: DeadFilter): boolean {
  return (
    (filter.task === undefined || letter.task === filter.task) &&
    (filter.reason === undefined || letter.reason === filter.reason) &&
    (filter.since === undefined || letter.deadAt >= filter.since) &&
    (filter.until === undefined || letter.deadAt < filter.until)
  )
}
