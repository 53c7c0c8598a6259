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
import { dedupeScope } from '../../dedupe-scope.js'
import { LANES } from '../../lane.js'
import type { TaskMessage, TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import { systemTaskClock, type TaskClock } from '../../task-clock.js'
import { cancelMark } from './cancel-mark.js'
import { DEAD_FIELD, type HeldJob, SOLO_FIELD } from './held-job.js'
import { type LaneHost, LaneQueue, laneName } from './lane-queue.js'
import type { OpenConnection } from './open-connection.js'
import { RedisConsumer } from './redis-consumer.js'
import { RedisControl } from './redis-control.js'
import { RedisOffice } from './redis-office.js'
import { RedisProducer } from './redis-producer.js'
import { RedisView } from './redis-view.js'
import { ResultWaiters } from './result-waiters.js'
import { cancelWaiting, discardDead, dropLease } from './task-scripts.js'

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

/** How long it is remembered that a task was cancelled, at least. */
const CANCELLED_MS = 3_600_000

/** Tasks in Redis, in the layout of BullMQ. */
export class RedisBroker implements TaskBroker {
  readonly name = 'redis'
  readonly clock: TaskClock = systemTaskClock
  readonly capabilities: BrokerCapabilities
  readonly board: Board
  readonly #settings: RedisBrokerSettings
  readonly #lanes = new Map<string, LaneQueue>()
  readonly #parts = new Set<Closable>()
  readonly #view: RedisView
  #host: LaneHost | undefined
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
    this.#view = new RedisView({
      run: (command, options) => this.#run(command, options),
      lane: (queue, lane) => this.#lane(queue, lane),
      laneNames: (queue) => this.#laneNames(queue),
      slot: () => this.#slot,
    })
    this.board = {
      entries: async (options) => {
        const entries = await this.#run((client) => client.hgetall(this.#key('board')), options)
        return new Map(Object.entries(entries))
      },
      set: async (key, value, options) => {
        const board = this.#key('board')
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
      lane: (queue, lane) => this.#lane(queue, lane),
      laneNames: (queue) => this.#laneNames(queue),
      claimKey: (kind, message, key) => `${this.#laneNames(message.queue)[1]}:key:${dedupeScope(kind, message, key)}`,
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
        control: this.#controls(),
        commandMs,
        lockMs,
        stalledMs,
        maxEnded,
        rememberCancelled: (held, reason) => this.#rememberCancelled(held, reason),
        forget: (held) => this.#forget(held),
      },
      options.queues.flatMap((queue) => LANES.map((lane) => this.#lane(queue, lane))),
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
    const args = [...this.#laneNames(queue), id, JSON.stringify(reason ?? null), CANCELLED_MS, cancelMark(reason)]
    const answer = await this.#run((client) => cancelWaiting.run(client, [this.#slot], args), options)
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
    for (const lane of LANES) {
      const one = this.#lane(queue, lane)
      const failed = await this.#run((client) => client.zscore(one.key('failed'), id), options)
      if (failed === null) continue
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
    const args = [...this.#laneNames(queue), id]
    return Number(await this.#run((client) => discardDead.run(client, [this.#slot], args), options)) === 1
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
    const meta = this.#lane(queue, 'normal').key('meta')
    return (await this.#run((client) => client.hexists(meta, 'paused'), options)) === 1
  }

  async lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable> {
    const office = new RedisOffice(this.#connection(), this.#key(`lead:${name}`), lead)
    this.#parts.add(office)
    return office
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#parts].map((part) => part.close()))
      for (const lane of this.#lanes.values()) lane.close()
      await this.#settings.open.close()
    })()
    return this.#closing
  }

  async #setPaused(queue: string, paused: boolean, options: CallOptions): Promise<void> {
    for (const lane of LANES) {
      await this.#run(async () => (await this.#lane(queue, lane).backend()).pause(paused), options)
    }
  }

  async #rememberCancelled({ message, job }: HeldJob, reason: string | undefined): Promise<void> {
    const key = `${this.#laneNames(message.queue)[1]}:cancelled:${job.id}`
    const keepMs = Math.max(CANCELLED_MS, message.keepResultMs)
    await this.#run((client) => client.set(key, JSON.stringify(reason ?? null), 'PX', keepMs), {})
  }

  #forget({ memoKey, message }: HeldJob): void {
    const unique = message.dedupe?.unique
    if (memoKey !== undefined) this.#run((client) => client.del(memoKey), {}).catch(() => {}) // it expires
    if (unique === undefined) return
    const key = `${this.#laneNames(message.queue)[1]}:key:${dedupeScope('u', message, unique.key)}`
    this.#run((client) => dropLease.run(client, [key], [message.id]), {}).catch(() => {}) // it no longer holds anyway
  }

  #lane(queue: string, lane: (typeof LANES)[number]): LaneQueue {
    const name = laneName(queue, lane)
    let known = this.#lanes.get(name)
    if (known === undefined) {
      known = new LaneQueue(this.#lanesHost(), queue, lane)
      this.#lanes.set(name, known)
    }
    return known
  }

  #laneNames(queue: string): readonly [string, string, string] {
    const { prefix } = this.#lanesHost()
    const name = (lane: (typeof LANES)[number]): string => `${prefix}:${laneName(queue, lane)}`
    return [name('high'), name('normal'), name('low')]
  }

  #lanesHost(): LaneHost {
    if (this.#host === undefined) {
      const connection = this.#connection()
      const { lockMs, stalledMs, prefix = connection.cluster ? '{plinth}' : 'plinth' } = this.#settings
      this.#host = { connection, prefix, lockMs, stalledMs }
    }
    return this.#host
  }

  /** A key that stands where all others do: it tells a Cluster where a script runs. */
  get #slot(): string {
    return this.#key('board')
  }

  #key(type: string): string {
    return `${this.#lanesHost().prefix}:${type}`
  }

  #controls(): RedisControl {
    this.#control ??= new RedisControl(this.#connection(), this.#lanesHost().prefix)
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
