import type { Duration } from '@plinth/config/units'
import type { AvailabilityChange, CallOptions } from '@plinth/core'
import type { TasksAdmin } from './admin.js'
import type { DeadLetters } from './dead-letters.js'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import type { ScheduleOptions } from './schedule/schedule-options.js'
import type { Task } from './task.js'
import type { TaskHandle } from './task-handle.js'
import type { TaskWorker, WorkerOptions } from './worker-options.js'

/** Background tasks: put work in from anywhere, run it in workers, and know what became of it. */
export interface Tasks {
  /** False when tasks are switched off: every call then answers, and nothing happens. */
  readonly enabled: boolean
  /** `memory`, `redis`, `rabbitmq`; `disabled` when switched off. */
  readonly broker: string
  /** Where the broker is, without credentials; absent for what lives in the process. */
  readonly target: string | undefined
  /** Whether the broker can be reached now. */
  readonly available: boolean
  onChange(listener: (change: AvailabilityChange) => void): () => void
  /** Tasks that wait in this process for the broker to come back; see `enqueueWhenDown`. They are lost when it dies. */
  readonly buffered: number
  /** Connects the broker ahead of time; everything else does so by itself. Rejects when it is not there within the deadline. */
  open(options?: CallOptions): Promise<void>

  /**
   * Puts a task into its queue. When this resolves the broker has stored it (or has that task already).
   *
   * @throws InvalidInputError, PayloadTooLargeError, or TaskDefinitionError for what is wrong with the call;
   * BackendUnavailableError when certainly nothing was stored; EnqueueUnknownError when the broker did not confirm in time.
   */
  enqueue<Input, Output, Deps>(
    task: Task<Input, Output, Deps>,
    ...rest: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<TaskHandle<Output>>
  /** Puts many tasks of one kind in at once: one answer for each, in order. Rejects only when nothing was stored. */
  enqueueMany<Input, Output, Deps>(
    task: Task<Input, Output, Deps>,
    items: readonly BatchItem<Input>[],
    options?: BatchOptions,
  ): Promise<readonly BatchAnswer<Output>[]>
  /** A handle for a task that was enqueued before, perhaps by another process. */
  handle<Input, Output, Deps>(task: Task<Input, Output, Deps>, id: string): TaskHandle<Output>

  /** Makes a worker for this process. It does nothing until it is started. */
  worker(options?: WorkerOptions): TaskWorker
  /**
   * Has a task enqueued by the clock. One worker among all processes leads; each slot is enqueued once, under one id.
   *
   * The same name in several processes is the same schedule. Workers run schedules, so at least one must be started.
   */
  schedule<Input, Output, Deps>(
    name: string,
    when: ScheduleOptions,
    task: Task<Input, Output, Deps>,
    ...rest: EnqueueArguments<Input, ScheduledEnqueueOptions>
  ): void
  readonly dead: DeadLetters
  readonly admin: TasksAdmin

  /**
   * Closes the workers that were made here, hands over what is buffered, and closes the broker, within the deadline. What
   * could not be handed over is said in the log. Safe to call twice.
   */
  close(options?: { readonly deadline?: Duration }): Promise<void>
}

/** One task of a batch. */
export interface BatchItem<Input> {
  readonly input: Input
  readonly options?: Omit<EnqueueOptions, 'deadline' | 'signal'>
}

/** How a batch is enqueued. */
export interface BatchOptions {
  readonly deadline?: Duration
  readonly signal?: AbortSignal
}

/** What became of one task of a batch: its handle, or the error that a single enqueue would have thrown. */
export type BatchAnswer<Output = unknown> =
  | { readonly handle: TaskHandle<Output>; readonly error?: undefined }
  | { readonly handle?: undefined; readonly error: Error }

/** How a scheduled task is enqueued. */
export type ScheduledEnqueueOptions = Pick<EnqueueOptions, 'priority' | 'expires' | 'headers'>
