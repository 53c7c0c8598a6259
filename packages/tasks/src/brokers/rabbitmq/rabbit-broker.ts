import type { AvailabilityChange, CallOptions, Closable } from '@plinth/core'
import type {
  Board,
  BrokerCapabilities,
  CancelAnswer,
  ConsumeOptions,
  DeadQuery,
  EnqueueAnswer,
  ListQuery,
  QueueCounts,
  TaskBroker,
  TaskConsumer,
  TaskRecord,
  Term,
} from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import { afresh, type TaskMessage, type TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import { systemTaskClock, type TaskClock } from '../../task-clock.js'
import type { LedgerEntry } from './ledger-entry.js'
import { type Envelope, encodeEnvelope } from './rabbit-codec.js'
import { pausedKey, RabbitConsumer } from './rabbit-consumer.js'
import { RabbitInquiry } from './rabbit-inquiry.js'
import { RabbitLedger } from './rabbit-ledger.js'
import { RabbitLink } from './rabbit-link.js'
import { RabbitOffice } from './rabbit-office.js'
import { RabbitProducer } from './rabbit-producer.js'
import { RabbitQueues, suspectsQueue } from './rabbit-queues.js'
import { RabbitView } from './rabbit-view.js'
import { RollCall } from './roll-call.js'

/** A RabbitMQ broker with every choice made. Times in milliseconds. */
export interface RabbitBrokerSettings {
  readonly urls: readonly string[]
  readonly connectMs: number
  readonly heartbeatSeconds: number
  readonly maxInFlight: number
  readonly maxPayloadBytes: number
}

/** RabbitMQ takes a message back from a worker that has not settled it within 30 minutes; this leaves time to settle. */
const LONGEST_RUN_MS = 25 * 60_000

/** Tasks in quorum queues of RabbitMQ, and what is known of them in a stream beside. */
export class RabbitBroker implements TaskBroker {
  readonly name = 'rabbitmq'
  readonly clock: TaskClock = systemTaskClock
  readonly capabilities: BrokerCapabilities
  readonly board: Board
  readonly target: string | undefined
  readonly #link: RabbitLink
  readonly #view = new RabbitView()
  readonly #ledger: RabbitLedger
  readonly #queues = new RabbitQueues()
  readonly #producer: RabbitProducer
  readonly #roll: RollCall
  readonly #inquiry: RabbitInquiry
  readonly #parts = new Set<Closable>()
  #closing: Promise<void> | undefined

  constructor(settings: RabbitBrokerSettings) {
    this.#link = new RabbitLink({ ...settings, prepare: (session) => this.#ledger.attach(session) })
    this.#ledger = new RabbitLedger(this.#link, this.#view)
    const { maxInFlight, maxPayloadBytes } = settings
    const parts = { link: this.#link, queues: this.#queues, ledger: this.#ledger, view: this.#view }
    this.#producer = new RabbitProducer({ ...parts, maxInFlight, maxPayloadBytes })
    this.#roll = new RollCall(parts)
    this.#inquiry = new RabbitInquiry({ ...parts, roll: this.#roll })
    this.target = targetOf(settings.urls[0])
    this.capabilities = {
      durable: true,
      inspectWaiting: false,
      shared: true,
      debounce: false,
      longestRunMs: LONGEST_RUN_MS,
      leaseMs: settings.heartbeatSeconds * 2000, // the server gives up after two heartbeats without a word
      largestMessageBytes: settings.maxPayloadBytes,
    }
    this.board = {
      entries: async (options) => {
        await this.#ledger.sync(options)
        return new Map(this.#view.board)
      },
      set: (key, value, options) => this.#set(key, value, options),
    }
  }

  get available(): boolean {
    return this.#link.available
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#link.onChange(listener)
  }

  open(options?: CallOptions): Promise<void> {
    return this.#link.ready(options)
  }

  async enqueue(messages: readonly TaskMessage[], options: CallOptions): Promise<readonly EnqueueAnswer[]> {
    const [only] = messages
    if (messages.length === 1 && only !== undefined) return [await this.#producer.enqueue(only, options)]
    return Promise.all(messages.map((message) => this.#producer.enqueue(message, options)))
  }

  async consume(options: ConsumeOptions): Promise<TaskConsumer> {
    const consumer = new RabbitConsumer(
      {
        link: this.#link,
        queues: this.#queues,
        ledger: this.#ledger,
        view: this.#view,
        store: (envelope, delayMs) =>
          this.#producer.store(envelope.message, encodeEnvelope(envelope), delayMs, { deadlineMs: 5000 }),
        suspect: (envelope) => this.#suspect(envelope),
      },
      options,
    )
    this.#parts.add(consumer)
    consumer.start()
    return consumer
  }

  inspect(ref: TaskRef, options: CallOptions): Promise<TaskRecord | undefined> {
    return this.#inquiry.inspect(ref, options)
  }

  settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    return this.#inquiry.settled(ref, signal)
  }

  async cancel(ref: TaskRef, reason: string | undefined, options: CallOptions): Promise<CancelAnswer> {
    const { id, queue } = ref
    await this.#ledger.sync(options)
    if (this.#view.ended(id) !== undefined) return 'finished'
    const word: LedgerEntry = reason === undefined ? { t: 'cancel', id, queue } : { t: 'cancel', id, queue, reason }
    // A worker that has not heard of it yet might start it: only when all of them have is it certain that none does.
    const running = await this.#roll.tell(ref, () => this.#ledger.decide(word, options))
    return running === undefined ? 'cancelled' : 'requested'
  }

  deadLetters(query: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]> {
    return this.#inquiry.deadLetters(query, options)
  }

  async replay({ id, queue }: TaskRef, options: CallOptions): Promise<boolean> {
    await this.#ledger.sync(options)
    const dead = this.#view.dead(id)
    if (dead === undefined || dead.letter.queue !== queue) return false
    // Stored first: a crash in between leaves the letter and a fresh task, never neither.
    const message = afresh(dead.message)
    const envelope: Envelope = { message, made: 0, turn: (dead.turn ?? 0) + 1, replayed: true }
    await this.#producer.store(message, encodeEnvelope(envelope), 0, options)
    await this.#ledger.decide({ t: 'undead', id, deadAt: dead.letter.deadAt }, options)
    return true
  }

  async discard({ id, queue }: TaskRef, options: CallOptions): Promise<boolean> {
    await this.#ledger.sync(options)
    const letter = this.#view.dead(id)?.letter
    if (letter?.queue !== queue) return false
    return (await this.#ledger.decide<unknown>({ t: 'undead', id, deadAt: letter.deadAt }, options)) !== undefined
  }

  counts(queue: string, options: CallOptions): Promise<QueueCounts> {
    return this.#inquiry.counts(queue, options)
  }

  list(query: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]> {
    return this.#inquiry.list(query, options)
  }

  pause(queue: string, options: CallOptions): Promise<void> {
    return this.#set(pausedKey(queue), 'paused', options)
  }

  resume(queue: string, options: CallOptions): Promise<void> {
    return this.#set(pausedKey(queue), undefined, options)
  }

  async paused(queue: string, options: CallOptions): Promise<boolean> {
    await this.#ledger.sync(options)
    return this.#view.board.has(pausedKey(queue))
  }

  async lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable> {
    const office = new RabbitOffice(this.#link, name, lead)
    this.#parts.add(office)
    return office
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#parts].map((part) => part.close()))
      await this.#link.close()
    })()
    return this.#closing
  }

  async #suspect(envelope: Envelope): Promise<void> {
    const { queue } = envelope.message
    await this.#link.publish('', suspectsQueue(queue), encodeEnvelope(envelope), { deadlineMs: 5000 })
  }

  async #set(key: string, value: string | undefined, options: CallOptions): Promise<void> {
    await this.#ledger.decide(value === undefined ? { t: 'set', key } : { t: 'set', key, value }, options)
  }
}

function targetOf(url: string | undefined): string | undefined {
  if (url === undefined) return undefined
  const { hostname, port, protocol, pathname } = new URL(url)
  return `${hostname}:${port === '' ? (protocol === 'amqps:' ? 5671 : 5672) : port}${pathname === '' ? '/' : pathname}`
}
