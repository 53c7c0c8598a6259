import { BackendUnavailableError, type InfraError } from '@plinth/core'
import type { EnqueueAnswer } from '../../broker.js'
import { convict } from '../../convict.js'
import { encodeInput } from '../../encode-input.js'
import { afresh, type TaskMessage } from '../../message.js'
import type { Outcome, Settled } from '../../outcome.js'
import { spendsAttempt } from '../../spends-attempt.js'
import type { TaskClock } from '../../task-clock.js'
import type { ChangeLog } from './change-log.js'
import type { MemoryConsumer } from './memory-consumer.js'
import { MemoryDedupe } from './memory-dedupe.js'
import { MemoryDelays } from './memory-delays.js'
import { MemoryDispatch } from './memory-dispatch.js'
import { MemoryEnded } from './memory-ended.js'
import { type Ended, type MemoryEntry, newEntry, settledOf } from './memory-entry.js'
import { MemoryQueues } from './memory-queues.js'
import { MemoryWatchers } from './memory-watchers.js'

/** How much a hub holds. */
export interface MemoryLimits {
  /** Tasks that wait or run; further enqueues are refused. */
  readonly maxTasks: number
  /** Ended tasks kept for whoever asks; the oldest go first. */
  readonly maxEnded: number
  readonly maxPayloadBytes: number
}

/**
 * Every task of a memory broker, and what is to happen to it next.
 *
 * With a log it tells of every change, and tells of the end of a task only when that is written.
 */
export class MemoryHub {
  readonly clock: TaskClock
  readonly limits: MemoryLimits
  readonly entries: Map<string, MemoryEntry> = new Map()
  readonly board: Map<string, string> = new Map()
  readonly dedupe: MemoryDedupe
  readonly queues: MemoryQueues = new MemoryQueues()
  readonly watchers: MemoryWatchers = new MemoryWatchers()
  readonly #log: ChangeLog | undefined
  readonly #delays: MemoryDelays
  readonly #ended: MemoryEnded
  readonly #dispatch: MemoryDispatch
  #unfinished = 0

  constructor(clock: TaskClock, limits: MemoryLimits, log?: ChangeLog) {
    this.clock = clock
    this.limits = limits
    this.dedupe = new MemoryDedupe(log)
    this.#log = log
    this.#delays = new MemoryDelays(clock, (entry) => this.#ready(entry))
    this.#ended = new MemoryEnded(limits.maxEnded)
    this.#dispatch = new MemoryDispatch({
      queues: this.queues,
      log,
      started: ({ message }) => {
        if (message.dedupe !== undefined) this.dedupe.started(message)
      },
      settle: (entry, consumer, outcome) => this.#settle(entry, consumer, outcome),
      convict: (entry) => this.#convict(entry),
    })
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
    const holder = message.dedupe === undefined ? undefined : this.dedupe.holder(message, now)
    if (holder !== undefined) {
      if (message.dedupe?.debounce === undefined) return { status: 'duplicate', id: holder }
      this.cancel(holder, `A later enqueue of the same key took its place.`)
    }
    if (this.#unfinished >= this.limits.maxTasks) return { status: 'refused', error: full(this.limits.maxTasks) }
    if (message.dedupe !== undefined) this.dedupe.claim(message, now)
    this.#admit(newEntry(message, input), message.dueAt ?? now, now)
    return { status: 'accepted', id: message.id }
  }

  /**
   * Takes in a task as an earlier process left it, in the order in which they were added (those that have ended: in which
   * they ended). What was in its hands is a suspect.
   */
  restore(entry: MemoryEntry): void {
    if (entry.ended !== undefined) {
      this.entries.set(entry.message.id, entry)
      this.#ended.push(entry)
      this.#forget(this.clock.now())
      return
    }
    if (entry.state === 'running') entry.suspect = true
    this.#admit(entry, entry.state === 'delayed' ? entry.dueAt : 0, this.clock.now())
  }

  join(consumer: MemoryConsumer): void {
    this.#dispatch.join(consumer)
  }

  /** A consumer closes in order: what it still holds is handed back untouched. */
  leave(consumer: MemoryConsumer): void {
    this.#dispatch.leave(consumer)
  }

  /** A consumer's process died: what it held comes again, as suspects. */
  crash(consumer: MemoryConsumer): void {
    for (const entry of this.#dispatch.lose(consumer)) {
      entry.suspect = true
      this.#wait(entry, 0, this.clock.now())
    }
  }

  cancel(id: string, reason: string | undefined): 'cancelled' | 'requested' | 'finished' | 'unknown' {
    const entry = this.entries.get(id)
    if (entry === undefined) return 'unknown'
    if (entry.ended !== undefined) return 'finished'
    this.#dispatch.unclaim(entry)
    if (entry.holder !== undefined) {
      entry.holder.options.interrupt(id, 'cancelled', reason)
      return 'requested'
    }
    this.#end(entry, { status: 'cancelled', reason }, undefined, entry.message.keepResultMs)
    return 'cancelled'
  }

  replay(id: string): boolean {
    const entry = this.entries.get(id)
    if (entry?.state !== 'dead') return false
    // A new entry: the old one may still stand in the list of those to be forgotten.
    this.#admit(newEntry(afresh(entry.message), entry.input), 0, this.clock.now())
    return true
  }

  discard(id: string): boolean {
    return this.entries.get(id)?.state === 'dead' && this.#drop(id)
  }

  setPaused(queue: string, paused: boolean): void {
    this.queues.setPaused(queue, paused)
    this.#log?.note('queue', queue)
    this.#dispatch.pumpSoon()
  }

  /** Puts a text on the board; `undefined` takes it off. */
  post(key: string, value: string | undefined): void {
    if (value === undefined) this.board.delete(key)
    else this.board.set(key, value)
    this.#log?.note('board', key)
  }

  /** Resolves when nothing runs and nothing that could run waits. */
  drain(): Promise<void> {
    return this.#dispatch.drain()
  }

  #admit(entry: MemoryEntry, dueAt: number, now: number): void {
    this.entries.set(entry.message.id, entry)
    this.#unfinished += 1
    this.#wait(entry, dueAt, now)
  }

  #wait(entry: MemoryEntry, dueAt: number, now: number): void {
    entry.dueAt = dueAt
    this.#log?.note('task', entry.message.id)
    if (dueAt > now) this.#delays.push(entry)
    else this.#ready(entry)
  }

  #ready(entry: MemoryEntry): void {
    entry.state = 'waiting'
    this.queues.push(entry)
    this.#dispatch.pumpSoon()
  }

  #convict(entry: MemoryEntry): void {
    const { task, keepDeadMs } = entry.message
    const { reason, failure } = convict(task, entry.soloStarts - 1)
    this.#end(entry, { status: 'dead', reason, failure }, undefined, keepDeadMs)
  }

  #settle(entry: MemoryEntry, consumer: MemoryConsumer, outcome: Outcome): void {
    if (entry.holder !== consumer) return // it was taken away: another run decides
    this.#dispatch.letGo(entry, consumer)
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
        this.#end(entry, COMPLETED, outcome.result, entry.message.keepResultMs)
        break
      case 'dead': {
        const { reason, failure } = outcome
        this.#end(entry, { status: 'dead', reason, failure }, undefined, entry.message.keepDeadMs)
        break
      }
      case 'cancelled':
        this.#end(entry, { status: 'cancelled', reason: outcome.reason }, undefined, entry.message.keepResultMs)
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

  #end(entry: MemoryEntry, settled: Settled, result: string | undefined, keepMs: number): void {
    const { id, dedupe } = entry.message
    const now = this.clock.now()
    const ended: Ended = { at: now, result, settled }
    entry.state = settled.status
    entry.ended = ended
    this.#unfinished -= 1
    if (dedupe !== undefined) this.dedupe.ended(entry.message)
    this.#log?.note('task', id)
    if (this.watchers.has(id)) this.#tell(id, settledOf(ended))
    if (keepMs === 0) this.entries.delete(id)
    else this.#ended.push(entry)
    this.#forget(now)
    this.#dispatch.pumpSoon()
  }

  #tell(id: string, settled: Settled): void {
    if (this.#log === undefined) this.watchers.tell(id, settled)
    else void this.#log.written().then(() => this.watchers.tell(id, settled))
  }

  #forget(now: number): void {
    for (const entry of this.#ended.takeStale(now)) {
      // A replayed task is another entry of the same id.
      if (this.entries.get(entry.message.id) === entry) this.#drop(entry.message.id)
    }
  }

  #drop(id: string): boolean {
    this.#log?.note('task', id)
    return this.entries.delete(id)
  }
}

/** How a task ended well. Its result is read from its text when somebody asks. */
const COMPLETED: Settled = { status: 'completed', result: undefined }

function full(maxTasks: number): InfraError {
  return new BackendUnavailableError(
    `The memory broker is full: ${maxTasks} tasks wait. Start more workers, or give it a larger maxTasks.`,
    { reason: 'refused' },
  )
}
