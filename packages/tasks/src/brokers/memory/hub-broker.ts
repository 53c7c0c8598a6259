import type { Closable } from '@plinth/core'
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
import type { MemoryBroker, SpiedTask } from './memory-broker.js'
import { MemoryConsumer } from './memory-consumer.js'
import type { MemoryElections } from './memory-elections.js'
import { deadLetterOf, type MemoryEntry, recordOf, settledOf } from './memory-entry.js'
import type { MemoryHub, MemoryLimits } from './memory-hub.js'

/** What a hub can do, within its limits. */
export function hubCapabilities(limits: MemoryLimits): BrokerCapabilities {
  return {
    durable: false,
    inspectWaiting: true,
    shared: false,
    debounce: true,
    longestRunMs: Number.POSITIVE_INFINITY,
    leaseMs: Number.POSITIVE_INFINITY,
    largestMessageBytes: limits.maxPayloadBytes,
  }
}

/** The contract of a broker over a hub. */
export class HubBroker implements MemoryBroker {
  readonly name = 'memory'
  readonly target: string | undefined = undefined
  readonly capabilities: BrokerCapabilities
  readonly clock: TaskClock
  readonly board: Board
  readonly #hub: MemoryHub
  readonly #elections: MemoryElections
  readonly #consumers = new Set<MemoryConsumer>()
  readonly #standing = new Set<Closable>()

  constructor(hub: MemoryHub, elections: MemoryElections) {
    this.#hub = hub
    this.#elections = elections
    this.clock = hub.clock
    this.capabilities = hubCapabilities(hub.limits)
    this.board = {
      entries: async () => new Map(hub.board),
      set: async (key, value) => hub.post(key, value),
    }
  }

  get available(): boolean {
    return true
  }

  onChange(): () => void {
    return () => {}
  }

  async open(): Promise<void> {}

  async enqueue(messages: readonly TaskMessage[]): Promise<readonly EnqueueAnswer[]> {
    return messages.map((message) => this.#hub.add(message))
  }

  async consume(options: ConsumeOptions): Promise<TaskConsumer> {
    const consumer = new MemoryConsumer(options, (leaving) => this.#hub.leave(leaving))
    this.#consumers.add(consumer)
    this.#hub.join(consumer)
    return consumer
  }

  async inspect({ id, queue }: TaskRef): Promise<TaskRecord | undefined> {
    const entry = this.#find(id, queue)
    return entry === undefined ? undefined : recordOf(entry)
  }

  settled({ id, queue }: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    const entry = this.#find(id, queue)
    if (entry === undefined) return Promise.resolve(undefined)
    if (entry.ended !== undefined) return Promise.resolve(settledOf(entry.ended))
    return new Promise((resolve, reject) => {
      const stop = this.#hub.watchers.watch(id, (settled) => {
        signal.removeEventListener('abort', aborted)
        stop()
        resolve(settled)
      })
      function aborted(): void {
        stop()
        reject(signal.reason)
      }
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
    })
  }

  async cancel({ id, queue }: TaskRef, reason: string | undefined): Promise<CancelAnswer> {
    return this.#find(id, queue) === undefined ? 'unknown' : this.#hub.cancel(id, reason)
  }

  async deadLetters({ queue, offset, limit }: DeadQuery): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = []
    for (const entry of this.#hub.entries.values()) {
      const letter = entry.message.queue === queue ? deadLetterOf(entry) : undefined
      if (letter !== undefined) letters.push(letter)
    }
    return letters.sort((a, b) => a.deadAt - b.deadAt).slice(offset, offset + limit)
  }

  async replay({ id, queue }: TaskRef): Promise<boolean> {
    return this.#find(id, queue) !== undefined && this.#hub.replay(id)
  }

  async discard({ id, queue }: TaskRef): Promise<boolean> {
    return this.#find(id, queue) !== undefined && this.#hub.discard(id)
  }

  async counts(queue: string): Promise<QueueCounts> {
    const counts = { waiting: 0, delayed: 0, running: 0, completed: 0, dead: 0, cancelled: 0 }
    for (const { message, state } of this.#hub.entries.values()) if (message.queue === queue) counts[state] += 1
    return counts
  }

  async list({ queue, state, offset, limit }: ListQuery): Promise<readonly TaskRecord[]> {
    const found: TaskRecord[] = []
    for (const entry of this.#hub.entries.values()) {
      if (entry.message.queue === queue && entry.state === state) found.push(recordOf(entry))
    }
    return found.slice(offset, offset + limit)
  }

  async pause(queue: string): Promise<void> {
    this.#hub.setPaused(queue, true)
  }

  async resume(queue: string): Promise<void> {
    this.#hub.setPaused(queue, false)
  }

  async paused(queue: string): Promise<boolean> {
    return this.#hub.queues.isPaused(queue)
  }

  async lead(name: string, lead: (term: Term) => Promise<void>): Promise<Closable> {
    const standing = this.#elections.stand(name, lead)
    this.#standing.add(standing)
    return standing
  }

  drain(): Promise<void> {
    return this.#hub.drain()
  }

  messages(filter: { readonly task?: string } = {}): readonly SpiedTask[] {
    const found: SpiedTask[] = []
    for (const entry of this.#hub.entries.values()) {
      if (filter.task !== undefined && entry.message.task !== filter.task) continue
      const input: unknown = entry.input === '' ? undefined : JSON.parse(entry.input)
      found.push({ ...recordOf(entry), input, message: { ...entry.message, input } })
    }
    return found
  }

  crash(): void {
    for (const consumer of this.#consumers) this.#hub.crash(consumer)
    this.#consumers.clear()
    for (const standing of this.#standing) void standing.close()
    this.#standing.clear()
  }

  fork(): MemoryBroker {
    return new HubBroker(this.#hub, this.#elections)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await Promise.all([...this.#standing].map((standing) => standing.close()))
  }

  #find(id: string, queue: string): MemoryEntry | undefined {
    const entry = this.#hub.entries.get(id)
    return entry?.message.queue === queue ? entry : undefined
  }
}
