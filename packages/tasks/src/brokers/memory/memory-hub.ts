import { BackendUnavailableError, type InfraError } from '@plinth/core'
import type { EnqueueAnswer } from '../../broker.js'
import { encodeInput } from '../../encode-input.js'
import { LANES, type Lane } from '../../lane.js'
import type { TaskMessage } from '../../message.js'
import type { Outcome, Settled } from '../../outcome.js'
import { spendsAttempt } from '../../spends-attempt.js'
import type { CancelTimer, TaskClock } from '../../task-clock.js'
import { DueHeap } from './due-heap.js'
import { Fifo } from './fifo.js'
import type { MemoryConsumer } from './memory-consumer.js'
import { MemoryDedupe } from './memory-dedupe.js'
import { MemoryDelivery } from './memory-delivery.js'
import { type Ended, type MemoryEntry, settledOf } from './memory-entry.js'

/** How much a hub holds. */
export interface MemoryLimits {
  /** Tasks that wait or run; further enqueues are refused. */
  readonly maxTasks: number
  /** Ended tasks kept for whoever asks; the oldest go first. */
  readonly maxEnded: number
  readonly maxPayloadBytes: number
}

interface Queue {
  readonly ready: Record<Lane, Fifo<MemoryEntry>>
  readonly suspects: Fifo<MemoryEntry>
  paused: boolean
}

/** Every task of a memory broker, and what is to happen to it next. */
export class MemoryHub {
  readonly clock: TaskClock
  readonly limits: MemoryLimits
  readonly entries: Map<string, MemoryEntry> = new Map()
  readonly board: Map<string, string> = new Map()
  readonly #dedupe = new MemoryDedupe()
  readonly #queues = new Map<string, Queue>()
  readonly #delayed = new DueHeap<MemoryEntry>()
  readonly #ended = new Fifo<MemoryEntry>()
  readonly #consumers = new Set<MemoryConsumer>()
  readonly #watchers = new Map<string, Set<(settled: Settled) => void>>()
  readonly #drained = new Set<() => void>()
  #unfinished = 0
  #busy = 0
  #pumping = false
  #timer: { readonly at: number; readonly cancel: CancelTimer } | undefined

  constructor(clock: TaskClock, limits: MemoryLimits) {
    this.clock = clock
    this.limits = limits
  }

  add(message: TaskMessage): EnqueueAnswer {
    const now = this.clock.now()
    const known = this.entries.get(message.id)
    if (known !== undefined) return { status: 'duplicate', id: message.id }
    let input: string
    try {
      input = encodeInput(message, this.limits.maxPayloadBytes)
    } catch (error) {
      return { status: 'refused', error: error as InfraError }
    }
    const holder = message.dedupe === undefined ? undefined : this.#dedupe.holder(message, now)
    if (holder !== undefined) {
      if (message.dedupe?.debounce === undefined) return { status: 'duplicate', id: holder }
      this.cancel(holder, `A later enqueue of the same key took its place.`)
    }
    if (this.#unfinished >= this.limits.maxTasks) return { status: 'refused', error: full(this.limits.maxTasks) }
    if (message.dedupe !== undefined) this.#dedupe.claim(message, now)
    const entry = newEntry(message, input)
    this.entries.set(message.id, entry)
    this.#unfinished += 1
    this.#wait(entry, message.dueAt ?? now, now)
    return { status: 'accepted', id: message.id }
  }

  join(consumer: MemoryConsumer): void {
    this.#consumers.add(consumer)
    this.#pumpSoon()
  }

  /** A consumer closes in order: what it still holds is handed back untouched. */
  leave(consumer: MemoryConsumer): void {
    this.#consumers.delete(consumer)
    for (const entry of [...consumer.held]) this.#settle(entry, consumer, { kind: 'released' })
    this.#pumpSoon()
  }

  /** A consumer's process died: what it held comes again, as suspects. */
  crash(consumer: MemoryConsumer): void {
    this.#consumers.delete(consumer)
    for (const entry of [...consumer.held]) {
      this.#letGo(entry, consumer)
      entry.suspect = true
      this.#wait(entry, 0, this.clock.now())
    }
  }

  cancel(id: string, reason: string | undefined): 'cancelled' | 'requested' | 'finished' | 'unknown' {
    const entry = this.entries.get(id)
    if (entry === undefined) return 'unknown'
    if (entry.ended !== undefined) return 'finished'
    if (entry.holder !== undefined) {
      entry.holder.options.interrupt(id, 'cancelled', reason)
      return 'requested'
    }
    this.#end(entry, { status: 'cancelled', reason }, undefined, this.#keepMs(entry))
    return 'cancelled'
  }

  replay(id: string): boolean {
    const entry = this.entries.get(id)
    if (entry?.state !== 'dead') return false
    // A new entry: the old one may still stand in the list of those to be forgotten.
    this.entries.set(id, newEntry(entry.message, entry.input))
    const fresh = this.entries.get(id)
    this.#unfinished += 1
    if (fresh !== undefined) this.#wait(fresh, 0, this.clock.now())
    return true
  }

  discard(id: string): boolean {
    return this.entries.get(id)?.state === 'dead' && this.entries.delete(id)
  }

  setPaused(queue: string, paused: boolean): void {
    this.#queue(queue).paused = paused
    this.#pumpSoon()
  }

  isPaused(queue: string): boolean {
    return this.#queue(queue).paused
  }

  /** Calls `told` when a task ends; the answer takes it off again. */
  watch(id: string, told: (settled: Settled) => void): () => void {
    let watchers = this.#watchers.get(id)
    if (watchers === undefined) {
      watchers = new Set()
      this.#watchers.set(id, watchers)
    }
    const own = watchers
    own.add(told)
    return () => {
      own.delete(told)
      if (own.size === 0 && this.#watchers.get(id) === own) this.#watchers.delete(id)
    }
  }

  /** Resolves when nothing runs and nothing that could run waits. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.add(resolve)
      this.#pumpSoon()
    })
  }

  #wait(entry: MemoryEntry, dueAt: number, now: number): void {
    entry.dueAt = dueAt
    if (dueAt > now) {
      entry.state = 'delayed'
      this.#delayed.push(dueAt, entry)
      this.#armTimer()
      return
    }
    entry.state = 'waiting'
    const queue = this.#queue(entry.message.queue)
    if (entry.suspect) queue.suspects.push(entry)
    else queue.ready[entry.message.lane].push(entry)
    this.#pumpSoon()
  }

  #armTimer(): void {
    const next = this.#delayed.peek()
    if (next === undefined || (this.#timer !== undefined && this.#timer.at <= next.at)) return
    this.#timer?.cancel()
    const cancel = this.clock.after(Math.max(0, next.at - this.clock.now()), () => {
      this.#timer = undefined
      this.#wakeDue()
    })
    this.#timer = { at: next.at, cancel }
  }

  #wakeDue(): void {
    const now = this.clock.now()
    for (let due = this.#delayed.peek(); due !== undefined && due.at <= now; due = this.#delayed.peek()) {
      this.#delayed.pop()
      // What was cancelled or put off meanwhile has left a note behind that is no longer true.
      if (due.item.state === 'delayed' && due.item.dueAt === due.at) this.#wait(due.item, 0, now)
    }
    this.#armTimer()
  }

  #pumpSoon(): void {
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
        const entry = consumer.hasRoom ? this.#next(consumer) : undefined
        if (entry === undefined) continue
        this.#start(entry, consumer)
        started = true
      }
    }
    if (this.#busy > 0 || this.#drained.size === 0) return
    for (const resolve of this.#drained) resolve()
    this.#drained.clear()
  }

  #next(consumer: MemoryConsumer): MemoryEntry | undefined {
    const { queues } = consumer.options
    for (const name of queues) {
      const { suspects, paused } = this.#queue(name)
      // A suspect runs alone: nothing starts beside it, nor before it while others still run.
      if (!paused && head(suspects) !== undefined) return consumer.held.size > 0 ? undefined : take(suspects)
    }
    const lane = consumer.picker.pick((one) => this.#oldest(queues, one) !== undefined)
    const fifo = lane === undefined ? undefined : this.#oldest(queues, lane)
    return fifo === undefined ? undefined : take(fifo)
  }

  /** Of the queues behind a lane, the one whose first task was enqueued first. */
  #oldest(queues: readonly string[], lane: Lane): Fifo<MemoryEntry> | undefined {
    let found: Fifo<MemoryEntry> | undefined
    let since = Number.POSITIVE_INFINITY
    for (const name of queues) {
      const { ready, paused } = this.#queue(name)
      const first = paused ? undefined : head(ready[lane])
      if (first === undefined || first.message.enqueuedAt >= since) continue
      found = ready[lane]
      since = first.message.enqueuedAt
    }
    return found
  }

  #start(entry: MemoryEntry, consumer: MemoryConsumer): void {
    if (entry.suspect) {
      consumer.solo = true
      entry.soloStarts += 1
      if (entry.soloStarts > consumer.options.crashBudget) {
        consumer.solo = false
        this.#convict(entry)
        return
      }
    }
    entry.state = 'running'
    entry.holder = consumer
    consumer.held.add(entry)
    this.#busy += 1
    if (entry.message.dedupe !== undefined) this.#dedupe.started(entry.message)
    void consumer.options.handle(new MemoryDelivery(entry)).then((outcome) => this.#settle(entry, consumer, outcome))
  }

  #convict(entry: MemoryEntry): void {
    const message = `Task "${entry.message.task}" brought down its process ${entry.soloStarts - 1} times while running alone.`
    const settled: Settled = { status: 'dead', reason: 'crash', failure: { name: 'Crash', message } }
    this.#end(entry, settled, undefined, entry.message.keepDeadMs)
  }

  #settle(entry: MemoryEntry, consumer: MemoryConsumer, outcome: Outcome): void {
    if (entry.holder !== consumer) return // it was taken away: another run decides
    this.#letGo(entry, consumer)
    if (outcome.kind === 'released') {
      entry.soloStarts = Math.max(0, entry.soloStarts - 1)
    } else {
      entry.suspect = false
      entry.soloStarts = 0
    }
    if (spendsAttempt(outcome)) entry.attempt += 1
    const now = this.clock.now()
    switch (outcome.kind) {
      case 'completed':
        this.#end(entry, COMPLETED, outcome.result, this.#keepMs(entry))
        break
      case 'dead': {
        const { reason, failure } = outcome
        this.#end(entry, { status: 'dead', reason, failure }, undefined, entry.message.keepDeadMs)
        break
      }
      case 'cancelled':
        this.#end(entry, { status: 'cancelled', reason: outcome.reason }, undefined, this.#keepMs(entry))
        break
      case 'later':
        if (outcome.parkedAt !== undefined) entry.message = { ...entry.message, parkedAt: outcome.parkedAt }
        this.#wait(entry, now + outcome.delayMs, now)
        break
      case 'retry':
        this.#wait(entry, now + outcome.delayMs, now)
        break
      default:
        this.#wait(entry, 0, now)
    }
  }

  #letGo(entry: MemoryEntry, consumer: MemoryConsumer): void {
    entry.holder = undefined
    consumer.released(entry)
    this.#busy -= 1
    this.#pumpSoon()
  }

  #end(entry: MemoryEntry, settled: Settled, result: string | undefined, keepMs: number): void {
    const now = this.clock.now()
    const ended: Ended = { at: now, result, settled }
    entry.state = settled.status
    entry.ended = ended
    this.#unfinished -= 1
    if (entry.message.dedupe !== undefined) this.#dedupe.ended(entry.message)
    const watchers = this.#watchers.get(entry.message.id)
    if (watchers !== undefined) for (const told of [...watchers]) told(settledOf(ended))
    if (keepMs === 0) this.entries.delete(entry.message.id)
    else this.#ended.push(entry)
    this.#forget(now)
    this.#pumpSoon()
  }

  /** Drops ended tasks that are no longer to be kept, oldest first. */
  #forget(now: number): void {
    for (let oldest = this.#ended.peek(); oldest !== undefined; oldest = this.#ended.peek()) {
      const keepMs = oldest.state === 'dead' ? oldest.message.keepDeadMs : this.#keepMs(oldest)
      const stale = oldest.ended === undefined || now - oldest.ended.at >= keepMs
      if (!stale && this.#ended.size <= this.limits.maxEnded) return
      this.#ended.shift()
      if (this.entries.get(oldest.message.id) === oldest) this.entries.delete(oldest.message.id)
    }
  }

  #keepMs({ message }: MemoryEntry): number {
    return message.keepResultMs
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = { ready: { high: new Fifo(), normal: new Fifo(), low: new Fifo() }, suspects: new Fifo(), paused: false }
      this.#queues.set(name, queue)
    }
    return queue
  }

  /** How many tasks of a queue wait in its lanes, for whoever counts. */
  readyIn(name: string): number {
    const { ready, suspects } = this.#queue(name)
    return LANES.reduce((sum, lane) => sum + ready[lane].size, suspects.size)
  }
}

/** The first of a line that still waits; what was cancelled there is passed over. */
function head(fifo: Fifo<MemoryEntry>): MemoryEntry | undefined {
  for (let first = fifo.peek(); first !== undefined; first = fifo.peek()) {
    if (first.state === 'waiting') return first
    fifo.shift()
  }
  return undefined
}

function take(fifo: Fifo<MemoryEntry>): MemoryEntry | undefined {
  const first = head(fifo)
  if (first !== undefined) fifo.shift()
  return first
}

/** How a task ended well. Its result is read from its text when somebody asks. */
const COMPLETED: Settled = { status: 'completed', result: undefined }

function newEntry(message: TaskMessage, input: string): MemoryEntry {
  return {
    message,
    input,
    state: 'waiting',
    attempt: 0,
    dueAt: 0,
    suspect: false,
    soloStarts: 0,
    holder: undefined,
    progress: undefined,
    memo: undefined,
    ended: undefined,
  }
}

function full(maxTasks: number): InfraError {
  return new BackendUnavailableError(
    `The memory broker is full: ${maxTasks} tasks wait. Start more workers, or give it a larger maxTasks.`,
    { reason: 'refused' },
  )
}
