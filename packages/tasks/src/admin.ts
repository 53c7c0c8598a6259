import type { CancelAnswer, QueueCounts, RecordState, TaskRecord } from './broker.js'
import type { ScheduleReport } from './schedule/schedule-options.js'

/** What an operator asks and does, as plain functions for a page or a command of yours. */
export interface TasksAdmin {
  /** The queues of all tasks known here. */
  readonly queues: readonly string[]
  /** How many tasks of each queue are in each state. */
  counts(): Promise<Readonly<Record<string, QueueCounts>>>
  /** Tasks of one queue in one state. @throws CapabilityError where the broker cannot tell (RabbitMQ: what waits). */
  list(options: AdminListOptions): Promise<readonly TaskRecord[]>
  /** Everything known about one task; `undefined` when nothing is. */
  inspect(id: string): Promise<TaskRecord | undefined>
  /** Cancels a task, waiting or running. */
  cancel(id: string, reason?: string): Promise<CancelAnswer>
  /** Puts one dead task back into its queue; false when none is dead under that id. */
  retry(id: string): Promise<boolean>
  /** Keeps all workers from starting tasks of a queue. Running ones finish. */
  pause(queue: string): Promise<void>
  resume(queue: string): Promise<void>
  paused(queue: string): Promise<boolean>
  /** The schedules known here, and where they stand. */
  schedules(): Promise<readonly ScheduleReport[]>
  /** Keeps a schedule from enqueueing, until it is resumed; slots that pass meanwhile are not made up for. */
  pauseSchedule(name: string): Promise<void>
  resumeSchedule(name: string): Promise<void>
  /** Enqueues a schedule's task now, beside its slots; answers the task's id. */
  runSchedule(name: string): Promise<string>
}

/** Which tasks to list. */
export interface AdminListOptions {
  readonly queue: string
  readonly state: RecordState
  /** Default 0. */
  readonly offset?: number
  /** Default 50. */
  readonly limit?: number
}
