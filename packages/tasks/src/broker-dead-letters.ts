import type { CallOptions } from '@plinth/core'
import type { TaskBroker } from './broker.js'
import type { DeadFilter, DeadLetter } from './dead-letter.js'
import type { DeadLetters, ReplayOptions, ReplayReport } from './dead-letters.js'
import {
  checkOptions,
  either,
  type Kinds,
  mustBe,
  NUMBER,
  OBJECT,
  oneOf,
  SWITCH,
  TEXT,
  wholeFrom,
} from './option-checks.js'

/** How many dead letters are read at once. */
const PAGE = 200

const FILTER = {
  task: TEXT,
  queue: TEXT,
  reason: oneOf('attempts', 'non-retryable', 'invalid-payload', 'unknown-task', 'expired', 'crash', 'timeout'),
  since: NUMBER,
  until: NUMBER,
} satisfies Kinds<DeadFilter>
const LIST_KINDS = { ...FILTER, limit: wholeFrom(0) }
const REPLAY = { limit: wholeFrom(0), dryRun: SWITCH } satisfies Kinds<ReplayOptions>
const WHICH = either(
  { words: 'the id of a dead letter', is: TEXT.is },
  { words: 'a filter (an object)', is: OBJECT.is },
)

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

  async list(options: DeadFilter & { readonly limit?: number } = {}): Promise<readonly DeadLetter[]> {
    checkOptions(options, LIST_KINDS, 'dead.list()')
    const { limit = 100, ...filter } = options
    const queues = filter.queue === undefined ? this.#queues : [filter.queue]
    const found = await Promise.all(queues.map((queue) => this.#oldest(queue, filter, limit)))
    return found
      .flat()
      .sort((a, b) => a.deadAt - b.deadAt)
      .slice(0, limit)
  }

  async #oldest(queue: string, filter: DeadFilter, limit: number): Promise<readonly DeadLetter[]> {
    const found: DeadLetter[] = []
    for (let offset = 0; found.length < limit; offset += PAGE) {
      const page = await this.#broker.deadLetters({ queue, offset, limit: PAGE }, this.#call)
      found.push(...page.filter((letter) => fits(letter, filter)))
      if (page.length < PAGE) break
    }
    return found
  }

  async replay(which: string | DeadFilter, options: ReplayOptions = {}): Promise<ReplayReport> {
    mustBe(which, WHICH, 'What dead.replay() puts back')
    checkOptions(options, REPLAY, 'dead.replay()')
    if (typeof which !== 'string') checkOptions(which, FILTER, 'the filter of dead.replay()')
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
    mustBe(id, TEXT, 'id of dead.discard()')
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
