import type { Duration } from '@plinth/config/units'
import type { Logger } from '@plinth/core'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import type { Task } from './task.js'
import type { TaskHandle } from './task-handle.js'

/** What a handler is given beside its input. */
export interface TaskContext<Deps = unknown> {
  /** The same for every attempt: pass it on as an idempotency key. */
  readonly id: string
  /** The task's name. */
  readonly task: string
  /** 1 for the first. */
  readonly attempt: number
  /** How many attempts there may be. */
  readonly attempts: number
  /**
   * Aborts when the handler should end; its reason is a `TaskTimeoutError`, `TaskCancelledError`, `WorkerShutdownError` or
   * `TaskLostError`. Pass it on to everything that takes one.
   */
  readonly signal: AbortSignal
  /** When this attempt runs out of time, in milliseconds since the Unix epoch; absent without a timeout. */
  readonly deadline: number | undefined
  /** What `createTasks({ deps })` was given. */
  readonly deps: Deps
  /** Writes lines that carry the task, its id and the attempt. */
  readonly log: Logger
  /** Shows how far it is, as any JSON value. Best effort: never throws for a broker that is away. */
  progress(value: unknown): Promise<void>
  /**
   * Runs `step` once for this task, whatever the number of attempts: later ones get what it answered (as JSON).
   *
   * A crash between the step's effect and its being remembered runs it again; nothing can prevent that.
   */
  once<Result>(key: string, step: () => Result | Promise<Result>): Promise<Result>
  /** Ends this attempt, and has the task delivered again after `delay`; it does not count as an attempt. Never returns. */
  snooze(delay: Duration): never
  /** Enqueues a task as a child of this one. */
  enqueue<Input, Output, ChildDeps>(
    task: Task<Input, Output, ChildDeps>,
    ...rest: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<TaskHandle<Output>>
}
