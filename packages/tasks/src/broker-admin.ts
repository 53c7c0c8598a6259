import type { CallOptions } from '@plinth/core'
import type { AdminListOptions, TasksAdmin } from './admin.js'
import type { CancelAnswer, QueueCounts, TaskBroker, TaskRecord } from './broker.js'
import type { Schedule } from './schedule/schedule.js'
import type { ScheduleBook } from './schedule/schedule-book.js'
import type { ScheduleReport } from './schedule/schedule-options.js'
import { pauseKey, readStates, STATES_KEY, slotMessage } from './schedule/scheduler.js'
import { TaskDefinitionError } from './task-errors.js'
import { taskId } from './task-id.js'

/** What the admin functions work on. */
export interface AdminHost {
  readonly broker: TaskBroker
  readonly queues: readonly string[]
  readonly schedules: ScheduleBook
  readonly call: CallOptions
}

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

  list({ queue, state, offset = 0, limit = 50 }: AdminListOptions): Promise<readonly TaskRecord[]> {
    return this.#host.broker.list({ queue, state, offset, limit }, this.#host.call)
  }

  async inspect(id: string): Promise<TaskRecord | undefined> {
    for (const queue of this.#host.queues) {
      const record = await this.#host.broker.inspect({ id, queue }, this.#host.call)
      if (record !== undefined) return record
    }
    return undefined
  }

  async cancel(id: string, reason?: string): Promise<CancelAnswer> {
    for (const queue of this.#host.queues) {
      const answer = await this.#host.broker.cancel({ id, queue }, reason, this.#host.call)
      if (answer !== 'unknown') return answer
    }
    return 'unknown'
  }

  async retry(id: string): Promise<boolean> {
    for (const queue of this.#host.queues) {
      if (await this.#host.broker.replay({ id, queue }, this.#host.call)) return true
    }
    return false
  }

  pause(queue: string): Promise<void> {
    return this.#host.broker.pause(queue, this.#host.call)
  }

  resume(queue: string): Promise<void> {
    return this.#host.broker.resume(queue, this.#host.call)
  }

  paused(queue: string): Promise<boolean> {
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
    const { broker, call } = this.#host
    const now = broker.clock.now()
    const { dedupe: _, ...message } = slotMessage(this.#schedule(name), now, now)
    const id = taskId(now)
    const [answer] = await broker.enqueue([{ ...message, id }], call)
    if (answer?.status === 'accepted' || answer?.status === 'duplicate') return answer.id
    throw answer?.error ?? new Error('The broker gave no answer.')
  }

  #schedule(name: string): Schedule {
    const schedule = this.#host.schedules.get(name)
    if (schedule !== undefined) return schedule
    throw new TaskDefinitionError(`There is no schedule "${name}" here.`)
  }
}
