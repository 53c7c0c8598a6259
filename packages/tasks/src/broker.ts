import type { AvailabilityChange, CallOptions, Closable, InfraError } from '@plinth/core'
import type { DeadLetter } from './dead-letter.js'
import type { Lane, LaneWeights } from './lane.js'
import type { TaskMessage, TaskRef } from './message.js'
import type { Outcome, Settled } from './outcome.js'
import type { TaskClock } from './task-clock.js'

/**
 * Where tasks wait, and what keeps them from being lost.
 *
 * **Delivery.** An accepted message is delivered at least once, until an outcome has been made durable; nothing is let go
 * before. The process that holds a delivery may die at any point: the message is then delivered again, as a suspect.
 * **Suspects** run alone in their process, so a message that kills its process takes no neighbour with it; when it has
 * done so `crashBudget` times while alone it is dead with reason `crash`. A crash is not an attempt.
 * **Order.** Roughly first in, first out within a lane; lanes share a worker by weight and none starves.
 * **Ids** are the caller's. While a message is known under its id, enqueueing that id again is a duplicate, not a second task.
 * **Failure.** A broker that is away rejects with `BackendUnavailableError` within the call's deadline, keeps connecting
 * by itself, and consumers resume by themselves. It is correct when it passes `taskBrokerChecks` of `@plinth/tasks/conformance`.
 */
export interface TaskBroker extends Closable {
  /** Names this broker in logs, reports and errors: `memory`, `redis` or `rabbitmq`. */
  readonly name: string
  /** Where it points to, such as `127.0.0.1:6379/3`, without credentials; absent for what lives in the process. */
  readonly target: string | undefined
  readonly capabilities: BrokerCapabilities
  /** Whose time delays, retries, timeouts and schedules go by. */
  readonly clock: TaskClock
  /** Whether calls may succeed now. A broker that was never opened is not available. */
  readonly available: boolean
  onChange(listener: (change: AvailabilityChange) => void): () => void

  /**
   * Connects, or waits until connected. Other calls open the broker by themselves.
   *
   * Rejects with `MisconfiguredError` when a person must act (wrong password), and with `BackendUnavailableError` when it
   * is not connected within the deadline; it then keeps connecting.
   */
  open(options?: CallOptions): Promise<void>

  /**
   * Stores messages durably, one answer for each, in order.
   *
   * Rejects only when nothing was stored. Answers within the deadline: what was sent but not confirmed by then is
   * `unknown`, and may be sent again under the same id. At most a bounded number of messages is under way at once;
   * further calls wait their turn within their deadline.
   */
  enqueue(messages: readonly TaskMessage[], options: CallOptions): Promise<readonly EnqueueAnswer[]>

  /** Starts handing deliveries to `options.handle`; keeps doing so across outages until closed. */
  consume(options: ConsumeOptions): Promise<TaskConsumer>

  /** What is known about a task, or `undefined` when the broker does not know it (any more, or by itself). */
  inspect(ref: TaskRef, options: CallOptions): Promise<TaskRecord | undefined>

  /**
   * Waits until a task has ended, and answers at once when it has.
   *
   * Answers `undefined` when the broker no longer (or never) knew the task. Rejects with the signal's reason. Learns of the
   * end by being told; a lost message delays the answer by at most a few seconds, also across an outage.
   */
  settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined>

  /**
   * Cancels a task wherever it is: once this resolves no worker starts it, be it for another attempt, and the one that
   * runs it has been told. A worker that does not answer at all is waited for a few seconds at the most.
   */
  cancel(ref: TaskRef, reason: string | undefined, options: CallOptions): Promise<CancelAnswer>

  /** Dead letters of one queue, oldest first, from `offset` on, at most `limit`. Reading changes nothing. */
  deadLetters(query: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]>
  /** Puts a dead letter back into its queue under its own id with all attempts fresh; false when there is none of that id. */
  replay(ref: TaskRef, options: CallOptions): Promise<boolean>
  /** Drops a dead letter for good; false when there is none of that id. */
  discard(ref: TaskRef, options: CallOptions): Promise<boolean>

  /** How many messages of a queue are in each state now. A state the broker cannot count is absent. */
  counts(queue: string, options: CallOptions): Promise<QueueCounts>
  /** Messages of one queue in one state, at most `limit` from `offset`. Rejects with `CapabilityError` where it cannot. */
  list(query: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]>
  /** Keeps every worker from starting messages of a queue, until {@link TaskBroker.resume}. Running ones finish. */
  pause(queue: string, options: CallOptions): Promise<void>
  resume(queue: string, options: CallOptions): Promise<void>
  /** Whether a queue is paused. */
  paused(queue: string, options: CallOptions): Promise<boolean>

  /** A few small durable texts that every process sees: schedules' switches and the like. */
  readonly board: Board

  /**
   * Calls `lead` while this process is the one leader of `name` among all processes of the broker.
   *
   * Leadership passes on within seconds of the leader's death. `lead` must return when `term.signal` aborts; it is called
   * again when leadership comes back. Resolves once standing for election; the answer steps down.
   */
  lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable>
}

/** What a broker honours beyond what every broker must. What it does not honour throws where it is asked for. */
export interface BrokerCapabilities {
  /** Whether accepted messages survive the end of every process of ours. */
  readonly durable: boolean
  /** Whether it knows about messages that wait: `inspect`, `list` of `waiting` and `delayed`. */
  readonly inspectWaiting: boolean
  /** Whether several processes can work on it. */
  readonly shared: boolean
  readonly debounce: boolean
  /** The longest an attempt may run, in milliseconds; `Infinity` without limit. */
  readonly longestRunMs: number
  /** How long the event loop of a worker may stand still before its tasks are given to others, in milliseconds; `Infinity`: they never are. */
  readonly leaseMs: number
  /** The largest stored message, in bytes. */
  readonly largestMessageBytes: number
}

/** What became of one message. */
export type EnqueueAnswer =
  | { readonly status: 'accepted'; readonly id: string }
  /** A task of the same key or id is there already; `id` is its id. */
  | { readonly status: 'duplicate'; readonly id: string }
  /** Certainly not stored. */
  | { readonly status: 'refused'; readonly error: InfraError }
  /** Sent, not confirmed: it may be stored. Sending it again under the same id is safe. */
  | { readonly status: 'unknown'; readonly error: InfraError }

/** How a consumer works. */
export interface ConsumeOptions {
  readonly queues: readonly string[]
  /** The most deliveries at once over all queues and lanes. */
  readonly concurrency: number
  readonly weights: LaneWeights
  /** How many crashes alone make a message dead. */
  readonly crashBudget: number
  /** Decides about one delivery. Never rejects, and resolves once. */
  readonly handle: (delivery: Delivery) => Promise<Outcome>
  /** Told that a delivery in hand should end: it was `cancelled`, or `lost` to another worker (its outcome will be dropped). */
  readonly interrupt: (id: string, why: 'cancelled' | 'lost', reason: string | undefined) => void
  /** Told about what the consumer survived, such as an outcome that could not be stored. */
  readonly onError: (error: Error) => void
}

/** One message in the hands of a worker. */
export interface Delivery {
  readonly message: TaskMessage
  /** 1 for the first. */
  readonly attempt: number
  /** Whether a process died with this message in hand before. */
  readonly suspect: boolean
  /** Shows how far it is to whoever looks. `value` is JSON text. Best effort: rejects when the broker is away. */
  progress(value: string): Promise<void>
  /** What was remembered for this message under `key` by any attempt, as JSON text. */
  recall(key: string): Promise<string | undefined>
  /** Keeps JSON text for this message across its attempts. */
  remember(key: string, value: string): Promise<void>
}

/** A running consumer. */
export interface TaskConsumer extends Closable {
  /** Takes no new deliveries; resolves when `handle` will not be called again. Those in hand go on and are still settled. */
  stop(): Promise<void>
  /** Stops, waits until every outcome in hand has been stored, and lets go of the rest, at most `deadlineMs` (default 5000). */
  close(deadlineMs?: number): Promise<void>
}

/** Where a task stands in its broker. */
export type RecordState = 'waiting' | 'delayed' | 'running' | 'completed' | 'dead' | 'cancelled'

/** What a broker knows about one task. */
export interface TaskRecord extends TaskRef {
  readonly task: string
  readonly lane: Lane
  readonly state: RecordState
  /** Attempts started so far. */
  readonly attempt: number
  readonly enqueuedAt: number
  readonly dueAt?: number
  /** The last progress that was reported. */
  readonly progress?: unknown
  /** How it ended; absent until it has. */
  readonly settled?: Settled
}

/** What became of a wish to cancel: done, passed on to the worker that runs it, too late, or no such task. */
export type CancelAnswer = 'cancelled' | 'requested' | 'finished' | 'unknown'

/** A page of one queue's dead letters. */
export interface DeadQuery {
  readonly queue: string
  readonly offset: number
  readonly limit: number
}

/** A page of one queue's messages in one state. */
export interface ListQuery extends DeadQuery {
  readonly state: RecordState
}

/** How many messages of a queue are in each state. */
export type QueueCounts = Readonly<Partial<Record<RecordState, number>>>

/** A small durable map shared by every process of a broker. */
export interface Board {
  entries(options: CallOptions): Promise<ReadonlyMap<string, string>>
  /** `undefined` takes the entry away. */
  set(key: string, value: string | undefined, options: CallOptions): Promise<void>
}

/** One stretch of leadership. */
export interface Term {
  /** Aborts when leadership is lost or given up. */
  readonly signal: AbortSignal
  /** What the last leader saved, as JSON text; `undefined` for the very first. */
  readonly state: string | undefined
  /** Keeps `state` for this and every later leader. Rejects when leadership has been lost meanwhile; nothing is stored then. */
  save(state: string): Promise<void>
}
