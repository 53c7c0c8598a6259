import type { AvailabilityChange, CallOptions, Closable } from '@plinth/core'
import type { RedisClient, RedisConnection } from '@plinth/core/redis'
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
import type { TaskMessage, TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import { systemTaskClock, type TaskClock } from '../../task-clock.js'
import { withoutTimes } from './bull-codec.js'
import { CANCELLED_MS, cancelMark } from './cancel-mark.js'
import { DEAD_FIELD, SOLO_FIELD } from './held-job.js'
import type { OpenConnection } from './open-connection.js'
import { RedisConsumer } from './redis-consumer.js'
import { RedisControl } from './redis-control.js'
import { RedisLayout } from './redis-layout.js'
import { RedisOffice } from './redis-office.js'
import { RedisProducer } from './redis-producer.js'
import { RedisView } from './redis-view.js'
import { ResultWaiters } from './result-waiters.js'
import { cancelWaiting, discardDead } from './task-scripts.js'

/** A Redis broker with every choice made. Times in milliseconds. */
export interface RedisBrokerSettings {
  readonly open: OpenConnection
  readonly prefix: string | undefined
  readonly lockMs: number
  readonly stalledMs: number
  readonly commandMs: number
  readonly maxEnded: number
  readonly maxInFlight: number
  readonly maxPayloadBytes: number
}

/** Tasks in Redis, in the layout of BullMQ. */
export class RedisBroker implements TaskBroker {
  readonly name = 'redis'
  readonly clock: TaskClock = systemTaskClock
  readonly capabilities: BrokerCapabilities
  readonly board: Board
  readonly #settings: RedisBrokerSettings
  readonly #layout: RedisLayout
  readonly #parts = new Set<Closable>()
  readonly #view: RedisView
  #control: RedisControl | undefined
  #producer: RedisProducer | undefined
  #waiters: ResultWaiters | undefined
  #closing: Promise<void> | undefined

  constructor(settings: RedisBrokerSettings) {
    this.#settings = settings
    this.capabilities = {
      durable: true,
      inspectWaiting: true,
      shared: true,
      debounce: true,
      longestRunMs: Number.POSITIVE_INFINITY,
      leaseMs: settings.lockMs,
      largestMessageBytes: settings.maxPayloadBytes,
    }
    this.#layout = new RedisLayout(() => {
      const connection = this.#connection()
      const { lockMs, stalledMs, prefix = connection.cluster ? '{plinth}' : 'plinth' } = settings
      return { connection, prefix, lockMs, stalledMs }
    })
    this.#view = new RedisView({
      layout: this.#layout,
      run: (command, options) => this.#run(command, options),
    })
    this.board = {
      entries: async (options) => {
        const entries = await this.#run((client) => client.hgetall(this.#layout.key('board')), options)
        return new Map(Object.entries(entries))
      },
      set: async (key, value, options) => {
        const board = this.#layout.key('board')
        if (value === undefined) await this.#run((client) => client.hdel(board, key), options)
        else await this.#run((client) => client.hset(board, key, value), options)
      },
    }
  }

  get target(): string | undefined {
    return this.#settings.open.target
  }

  get available(): boolean {
    return this.#settings.open.opened?.available ?? false
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#settings.open.onChange(listener)
  }

  async open(options?: CallOptions): Promise<void> {
    await this.#settings.open.ready(options)
  }

  async enqueue(messages: readonly TaskMessage[], options: CallOptions): Promise<readonly EnqueueAnswer[]> {
    if (!this.available) await this.#settings.open.known(options)
    this.#producer ??= new RedisProducer({
      connection: this.#connection(),
      layout: this.#layout,
      maxInFlight: this.#settings.maxInFlight,
      maxPayloadBytes: this.#settings.maxPayloadBytes,
    })
    return this.#producer.enqueue(messages, options)
  }

  async consume(options: ConsumeOptions): Promise<TaskConsumer> {
    const { lockMs, stalledMs, commandMs, maxEnded } = this.#settings
    const connection = this.#connection()
    const consumer = new RedisConsumer(
      {
        connection,
        run: (command) => connection.run(command, { deadlineMs: commandMs }),
        control: this.#controls(),
        layout: this.#layout,
        lockMs,
        stalledMs,
        maxEnded,
      },
      options,
    )
    this.#parts.add(consumer)
    await consumer.start()
    return consumer
  }

  inspect(ref: TaskRef, options: CallOptions): Promise<TaskRecord | undefined> {
    return this.#view.inspect(ref, options)
  }

  settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    if (this.#waiters === undefined) {
      this.#waiters = new ResultWaiters(this.#controls(), (one) => this.inspect(one, {}))
      this.#parts.add(this.#waiters)
    }
    return this.#waiters.settled(ref, signal)
  }

  async cancel({ id, queue }: TaskRef, reason: string | undefined, options: CallOptions): Promise<CancelAnswer> {
    const args = [
      ...this.#layout.laneNames(queue),
      id,
      JSON.stringify(reason ?? null),
      CANCELLED_MS,
      cancelMark(reason),
    ]
    const answer = await this.#run((client) => cancelWaiting.run(client, [this.#layout.slot], args), options)
    const control = this.#controls()
    if (answer === 'cancelled') {
      await control.send(control.waiters, { type: 'ended', id }).catch(() => {}) // whoever waits looks again
      return 'cancelled'
    }
    if (answer !== 'running') return answer === 'finished' ? 'finished' : 'unknown'
    await control.send(control.workers, reason === undefined ? { type: 'cancel', id } : { type: 'cancel', id, reason })
    return 'requested'
  }

  deadLetters(query: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]> {
    return this.#view.deadLetters(query, options)
  }

  async replay({ id, queue }: TaskRef, options: CallOptions): Promise<boolean> {
    for (const one of this.#layout.lanes(queue)) {
      const failed = await this.#run((client) => client.zscore(one.key('failed'), id), options)
      if (failed === null) continue
      const stored = (await this.#run((client) => client.hget(one.key(id), 'data'), options)) ?? ''
      const data = withoutTimes({ id, name: '', data: stored, opts: {}, timestamp: 0 })
      if (data !== undefined) await this.#run((client) => client.hset(one.key(id), 'data', data), options)
      await this.#run((client) => client.hdel(one.key(id), DEAD_FIELD, SOLO_FIELD, 'stc', 'stacktrace'), options)
      return this.#run(async () => {
        const backend = await one.backend()
        const job = { id, opts: {} } as unknown as Parameters<typeof backend.retryFinishedJob>[0]
        const reset = { resetAttemptsMade: true, resetAttemptsStarted: true }
        return backend.retryFinishedJob(job, 'failed', reset).then(
          () => true,
          () => false, // somebody else was quicker
        )
      }, options)
    }
    return false
  }

  async discard({ id, queue }: TaskRef, options: CallOptions): Promise<boolean> {
    const args = [...this.#layout.laneNames(queue), id]
    return Number(await this.#run((client) => discardDead.run(client, [this.#layout.slot], args), options)) === 1
  }

  counts(queue: string, options: CallOptions): Promise<QueueCounts> {
    return this.#view.counts(queue, options)
  }

  list(query: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]> {
    return this.#view.list(query, options)
  }

  async pause(queue: string, options: CallOptions): Promise<void> {
    await this.#setPaused(queue, true, options)
  }

  async resume(queue: string, options: CallOptions): Promise<void> {
    await this.#setPaused(queue, false, options)
  }

  async paused(queue: string, options: CallOptions): Promise<boolean> {
    const meta = this.#layout.lane(queue, 'normal').key('meta')
    return (await this.#run((client) => client.hexists(meta, 'paused'), options)) === 1
  }

  async lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable> {
    const office = new RedisOffice(this.#connection(), this.#layout.key(`lead:${name}`), lead)
    this.#parts.add(office)
    return office
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#parts].map((part) => part.close()))
      this.#layout.close()
      await this.#settings.open.close()
    })()
    return this.#closing
  }

  async #setPaused(queue: string, paused: boolean, options: CallOptions): Promise<void> {
    for (const lane of this.#layout.lanes(queue)) {
      await this.#run(async () => (await lane.backend()).pause(paused), options)
    }
  }

  #controls(): RedisControl {
    this.#control ??= new RedisControl(this.#connection(), this.#layout.prefix)
    return this.#control
  }

  #connection(): RedisConnection {
    return this.#settings.open.connection()
  }

  async #run<Result>(command: (client: RedisClient) => Promise<Result>, options: CallOptions): Promise<Result> {
    const { open } = this.#settings
    const connection = this.available ? open.connection() : await open.known(options)
    return connection.run(command, { deadlineMs: this.#settings.commandMs, ...options })
  }
}
