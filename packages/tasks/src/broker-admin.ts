import type { CallOptions } from '@plinth/core'
import type { AdminListOptions, TasksAdmin } from './admin.js'
import type { CancelAnswer, EnqueueAnswer, QueueCounts, TaskBroker, TaskRecord } from './broker.js'
import type { TaskMessage } from './message.js'
import { checkOptions, type Kinds, mustBe, oneOf, show, TEXT, wholeFrom } from './option-checks.js'
import type { Schedule } from './schedule/schedule.js'
import type { ScheduleBook } from './schedule/schedule-book.js'
import type { ScheduleReport } from './schedule/schedule-options.js'
import { pauseKey, readStates, STATES_KEY, slotMessage } from './schedule/scheduler.js'
import { TaskDefinitionError } from './task-errors.js'
import { checkReason } from './task-handle.js'
import { taskId } from './task-id.js'

/** What the admin functions work on. */
export interface AdminHost {
  readonly broker: TaskBroker
  readonly queues: readonly string[]
  readonly schedules: ScheduleBook
  readonly call: CallOptions
  /** Stores a message as every enqueue does, through the middleware. */
  readonly enqueue: (message: TaskMessage) => Promise<EnqueueAnswer | undefined>
}

const LIST_KINDS = {
  queue: TEXT,
  state: oneOf('waiting', 'delayed', 'running', 'completed', 'dead', 'cancelled'),
  offset: wholeFrom(0),
  limit: wholeFrom(0),
} satisfies Kinds<AdminListOptions>

/** Answers an operator by asking the broker. */
export class BrokerAdmin implements TasksAdmin {
  readonly #host: AdminHost

  constructor(host: AdminHost) {
    this.#host = host
  }

  get queues(): readonly string[] {
    return this.#host.queues
  }

  async counts(): Promise<Readonly<Record<string, QueueCounts>>> {
    const { broker, queues, call } = this.#host
    const counted = await Promise.all(queues.map(async (queue) => [queue, await broker.counts(queue, call)] as const))
    return Object.fromEntries(counted)
  }

  async list(options: AdminListOptions): Promise<readonly TaskRecord[]> {
    checkOptions(options, LIST_KINDS, 'admin.list()')
    const { queue, state, offset = 0, limit = 50 } = options
    mustBe(state, LIST_KINDS.state, 'state of admin.list()')
    this.#checkQueue(queue)
    return this.#host.broker.list({ queue, state, offset, limit }, this.#host.call)
  }

  async inspect(id: string): Promise<TaskRecord | undefined> {
    mustBe(id, TEXT, 'id of admin.inspect()')
    for (const queue of this.#host.queues) {
      const record = await this.#host.broker.inspect({ id, queue }, this.#host.call)
      if (record !== undefined) return record
    }
    return undefined
  }

  async cancel(id: string, reason?: string): Promise<CancelAnswer> {
    mustBe(id, TEXT, 'id of admin.cancel()')
    checkReason(reason)
    for (const queue of this.#host.queues) {
      const answer = await this.#host.broker.cancel({ id, queue }, reason, this.#host.call)
      if (answer !== 'unknown') return answer
    }
    return 'unknown'
  }

  async retry(id: string): Promise<boolean> {
    mustBe(id, TEXT, 'id of admin.retry()')
    for (const queue of this.#host.queues) {
      if (await this.#host.broker.replay({ id, queue }, this.#host.call)) return true
    }
    return false
  }

  async pause(queue: string): Promise<void> {
    this.#checkQueue(queue)
    return this.#host.broker.pause(queue, this.#host.call)
  }

  async resume(queue: string): Promise<void> {
    this.#checkQueue(queue)
    return this.#host.broker.resume(queue, this.#host.call)
  }

  async paused(queue: string): Promise<boolean> {
    this.#checkQueue(queue)
    return this.#host.broker.paused(queue, this.#host.call)
  }

  async schedules(): Promise<readonly ScheduleReport[]> {
    const { broker, schedules, call } = this.#host
    const entries = await broker.board.entries(call)
    const states = readStates(entries.get(STATES_KEY))
    const now = broker.clock.now()
    return [...schedules.values()].map((schedule) => {
      const lastSlot = states[schedule.name]?.watermark
      return {
        name: schedule.name,
        task: schedule.task.name,
        when: schedule.when,
        paused: entries.has(pauseKey(schedule.name)),
        lastSlot,
        nextSlot: schedule.next(Math.max(now, lastSlot ?? 0)),
      }
    })
  }

  async pauseSchedule(name: string): Promise<void> {
    this.#schedule(name)
    await this.#host.broker.board.set(pauseKey(name), 'paused', this.#host.call)
  }

  async resumeSchedule(name: string): Promise<void> {
    this.#schedule(name)
    await this.#host.broker.board.set(pauseKey(name), undefined, this.#host.call)
  }

  async runSchedule(name: string): Promise<string> {
    const { broker, enqueue } = this.#host
    const now = broker.clock.now()
    const { dedupe: _, ...message } = slotMessage(this.#schedule(name), now, now)
    const id = taskId(now)
    const answer = await enqueue({ ...message, id })
    if (answer?.status === 'accepted' || answer?.status === 'duplicate') return answer.id
    throw answer?.error ?? new Error('The broker gave no answer.')
  }

  /** A queue that is misspelt has no tasks, and pausing it would stop none. */
  #checkQueue(queue: string): void {
    const { queues } = this.#host
    if (queues.includes(queue)) return
    throw new TaskDefinitionError(
      `No task given to createTasks goes to queue ${show(queue)}. Known queues: ${queues.join(', ')}.`,
    )
  }

  #schedule(name: string): Schedule {
    const schedule = this.#host.schedules.get(name)
    if (schedule !== undefined) return schedule
    throw new TaskDefinitionError(
      `There is no schedule ${show(name)} here. Known schedules: ${[...this.#host.schedules.values()].map((one) => one.name).join(', ')}.`,
    )
  }
}
