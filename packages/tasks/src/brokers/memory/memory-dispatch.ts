import type { Outcome } from '../../outcome.js'
import type { ChangeLog } from './change-log.js'
import type { MemoryConsumer } from './memory-consumer.js'
import { MemoryDelivery } from './memory-delivery.js'
import type { MemoryEntry } from './memory-entry.js'
import type { MemoryQueues } from './memory-queues.js'

/** What a dispatch needs of the hub whose tasks it hands out. */
export interface MemoryDispatchHost {
  readonly queues: MemoryQueues
  readonly log: ChangeLog | undefined
  /** Told that a task starts. */
  readonly started: (entry: MemoryEntry) => void
  /** Told what a consumer decided about a task; the hub lets go of it then. */
  readonly settle: (entry: MemoryEntry, consumer: MemoryConsumer, outcome: Outcome) => void
  /** Told that a task has used up its starts alone; it is not started again. */
  readonly convict: (entry: MemoryEntry) => void
}

/**
 * Hands the tasks that wait to the consumers with room for them, soon after anything changed.
 *
 * With a log a task is handed over only when it is written that it starts: if it kills the process, that is known afterwards.
 */
export class MemoryDispatch {
  readonly #host: MemoryDispatchHost
  readonly #consumers = new Set<MemoryConsumer>()
  /** Tasks of which it is being written that they start. */
  readonly #claims = new Map<MemoryEntry, MemoryConsumer>()
  readonly #drained = new Set<() => void>()
  #busy = 0
  #pumping = false

  constructor(host: MemoryDispatchHost) {
    this.#host = host
  }

  join(consumer: MemoryConsumer): void {
    this.#consumers.add(consumer)
    this.pumpSoon()
  }

  /** A consumer closes in order: what it still holds is handed back untouched. */
  leave(consumer: MemoryConsumer): void {
    this.#consumers.delete(consumer)
    for (const entry of [...consumer.held]) this.#host.settle(entry, consumer, RELEASED)
    this.pumpSoon()
  }

  /** A consumer's process died: answers what it held, which nobody holds now. */
  lose(consumer: MemoryConsumer): readonly MemoryEntry[] {
    this.#consumers.delete(consumer)
    const held = [...consumer.held]
    for (const entry of held) this.letGo(entry, consumer)
    return held
  }

  /** Takes a task back from a consumer. */
  letGo(entry: MemoryEntry, consumer: MemoryConsumer): void {
    if (this.#claims.size > 0) this.#claims.delete(entry)
    entry.holder = undefined
    consumer.released(entry)
    this.#busy -= 1
    this.pumpSoon()
  }

  /** Takes a task back that has not started because that is still being written. */
  unclaim(entry: MemoryEntry): void {
    const claimer = this.#claims.get(entry)
    if (claimer !== undefined) this.letGo(entry, claimer)
  }

  /** Resolves when nothing runs and nothing that could run waits. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.add(resolve)
      this.pumpSoon()
    })
  }

  /** Looks for tasks to start at the end of this turn: many changes are one look. */
  pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      this.#pump()
    })
  }

  #pump(): void {
    for (let started = true; started; ) {
      started = false
      for (const consumer of this.#consumers) {
        const entry = consumer.hasRoom ? this.#host.queues.next(consumer) : undefined
        if (entry === undefined) continue
        this.#start(entry, consumer)
        started = true
      }
    }
    if (this.#busy > 0 || this.#drained.size === 0) return
    for (const resolve of this.#drained) resolve()
    this.#drained.clear()
  }

  #start(entry: MemoryEntry, consumer: MemoryConsumer): void {
    if (entry.suspect) {
      consumer.solo = true
      entry.soloStarts += 1
      if (entry.soloStarts > consumer.options.crashBudget) {
        consumer.solo = false
        this.#host.convict(entry)
        return
      }
    }
    entry.state = 'running'
    entry.holder = consumer
    consumer.held.add(entry)
    this.#busy += 1
    this.#host.started(entry)
    const { log } = this.#host
    if (log === undefined) this.#hand(entry, consumer)
    else void this.#claim(entry, consumer, log)
  }

  async #claim(entry: MemoryEntry, consumer: MemoryConsumer, log: ChangeLog): Promise<void> {
    this.#claims.set(entry, consumer)
    log.note('task', entry.message.id)
    await log.written()
    if (this.#claims.get(entry) !== consumer) return // it was cancelled, or its worker is gone
    this.#claims.delete(entry)
    if (consumer.taking) this.#hand(entry, consumer)
    else this.#host.settle(entry, consumer, RELEASED)
  }

  #hand(entry: MemoryEntry, consumer: MemoryConsumer): void {
    const { log, settle } = this.#host
    const delivery = new MemoryDelivery(entry, log)
    void consumer.options.handle(delivery).then((outcome) => settle(entry, consumer, outcome))
  }
}

const RELEASED: Outcome = { kind: 'released' }
