import {
  type AvailabilityChange,
  BackendUnavailableError,
  type CallOptions,
  type Closable,
  InfraError,
  withDeadline,
} from '@plinth/core'
import type {
  Board,
  BrokerCapabilities,
  CancelAnswer,
  ConsumeOptions,
  DeadQuery,
  EnqueueAnswer,
  ListQuery,
  QueueCounts,
  TaskConsumer,
  TaskRecord,
  Term,
} from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import type { TaskMessage, TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import type { TaskClock } from '../../task-clock.js'
import type { Journal } from '../memory-journal/journal.js'
import { HubBroker, hubCapabilities } from './hub-broker.js'
import type { JournaledPlace } from './journaled-place.js'
import type { MemoryBroker, SpiedTask } from './memory-broker.js'

interface Opened {
  readonly broker: HubBroker
  readonly journal: Journal
}

/** A memory broker whose every answer is written to a journal before it is given. */
export class JournaledBroker implements MemoryBroker {
  readonly name = 'memory'
  readonly target: string
  readonly capabilities: BrokerCapabilities
  readonly clock: TaskClock
  readonly board: Board
  readonly #place: JournaledPlace
  #opening: Promise<Opened> | undefined
  #broker: HubBroker | undefined
  #closing: Promise<void> | undefined

  constructor(place: JournaledPlace) {
    const { path, clock, limits } = place.options
    this.#place = place
    this.target = path
    this.clock = clock
    this.capabilities = { ...hubCapabilities(limits), durable: true }
    this.board = {
      entries: (options) => this.#read((broker) => broker.board.entries(options), options),
      set: (key, value, options) => this.#change((broker) => broker.board.set(key, value, options), options),
    }
  }

  get available(): boolean {
    return this.#place.feed.available
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#place.feed.onChange(listener)
  }

  async open(options: CallOptions = {}): Promise<void> {
    const { journal } = await this.#opened(options)
    if (journal.failure !== undefined) throw journal.failure
  }

  async enqueue(messages: readonly TaskMessage[], options: CallOptions): Promise<readonly EnqueueAnswer[]> {
    const { broker, journal } = await this.#opened(options)
    if (journal.failure !== undefined) throw journal.failure
    const answers = await broker.enqueue(messages)
    try {
      await journal.committed(options)
      return answers
    } catch (thrown) {
      const error =
        thrown instanceof InfraError
          ? thrown
          : new BackendUnavailableError('The journal of tasks was not waited for.', {
              reason: 'deadline',
              cause: thrown,
            })
      return answers.map((answer) => (answer.status === 'refused' ? answer : { status: 'unknown', error }))
    }
  }

  async consume(options: ConsumeOptions): Promise<TaskConsumer> {
    return (await this.#opened({})).broker.consume(options)
  }

  inspect(ref: TaskRef, options: CallOptions): Promise<TaskRecord | undefined> {
    return this.#read((broker) => broker.inspect(ref), options)
  }

  async settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    const { broker, journal } = await this.#opened({ signal })
    const settled = await broker.settled(ref, signal)
    await withDeadline(journal.written(), { signal, onDeadline: () => new Error('no deadline was given') })
    return settled
  }

  cancel(ref: TaskRef, reason: string | undefined, options: CallOptions): Promise<CancelAnswer> {
    return this.#change((broker) => broker.cancel(ref, reason), options)
  }

  deadLetters(query: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]> {
    return this.#read((broker) => broker.deadLetters(query), options)
  }

  replay(ref: TaskRef, options: CallOptions): Promise<boolean> {
    return this.#change((broker) => broker.replay(ref), options)
  }

  discard(ref: TaskRef, options: CallOptions): Promise<boolean> {
    return this.#change((broker) => broker.discard(ref), options)
  }

  counts(queue: string, options: CallOptions): Promise<QueueCounts> {
    return this.#read((broker) => broker.counts(queue), options)
  }

  list(query: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]> {
    return this.#read((broker) => broker.list(query), options)
  }

  pause(queue: string, options: CallOptions): Promise<void> {
    return this.#change((broker) => broker.pause(queue), options)
  }

  resume(queue: string, options: CallOptions): Promise<void> {
    return this.#change((broker) => broker.resume(queue), options)
  }

  paused(queue: string, options: CallOptions): Promise<boolean> {
    return this.#read((broker) => broker.paused(queue), options)
  }

  async lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable> {
    return (await this.#opened({})).broker.lead(name, lead)
  }

  async drain(): Promise<void> {
    const { broker, journal } = await this.#opened({})
    await broker.drain()
    await journal.written()
  }

  messages(filter?: { readonly task?: string }): readonly SpiedTask[] {
    return this.#broker?.messages(filter) ?? []
  }

  crash(): void {
    this.#broker?.crash()
  }

  fork(): MemoryBroker {
    return new JournaledBroker(this.#place)
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#opening?.catch(() => {}) // whoever opened it was told
      await this.#broker?.close()
      await this.#place.leave(this)
    })()
    return this.#closing
  }

  #opened({ deadlineMs, signal }: CallOptions): Promise<Opened> {
    if (this.#closing !== undefined) {
      return Promise.reject(new BackendUnavailableError('This memory broker is closed.', { reason: 'closed' }))
    }
    if (this.#broker !== undefined && this.#opening !== undefined) return this.#opening
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    const onDeadline = (): Error =>
      new BackendUnavailableError(`The journal of tasks, ${this.target}, is still being read.`, { reason: 'deadline' })
    return withDeadline(this.#opening, { deadlineMs, signal, onDeadline })
  }

  async #open(): Promise<Opened> {
    const { hub, elections, journal } = await this.#place.open(this)
    this.#broker = new HubBroker(hub, elections)
    return { broker: this.#broker, journal }
  }

  /** What was asked for has happened when it is written, not before. */
  async #change<Answer>(change: (broker: HubBroker) => Promise<Answer>, options: CallOptions): Promise<Answer> {
    const { broker, journal } = await this.#opened(options)
    if (journal.failure !== undefined) throw journal.failure
    const answer = await change(broker)
    await journal.committed(options)
    return answer
  }

  /** What is told has been written, except while nothing can be. */
  async #read<Answer>(read: (broker: HubBroker) => Promise<Answer>, options: CallOptions): Promise<Answer> {
    const { broker, journal } = await this.#opened(options)
    const answer = await read(broker)
    if (journal.failure === undefined) await journal.committed(options)
    return answer
  }
}
