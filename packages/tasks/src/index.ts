export type { AdminListOptions, TasksAdmin } from './admin.js'
export { afterCommit, type Committed, type Later } from './after-commit.js'
export type {
  Board,
  BrokerCapabilities,
  CancelAnswer,
  ConsumeOptions,
  DeadQuery,
  Delivery,
  EnqueueAnswer,
  ListQuery,
  QueueCounts,
  RecordState,
  TaskBroker,
  TaskConsumer,
  TaskRecord,
  Term,
} from './broker.js'
export type { MemoryBroker, SpiedTask } from './brokers/memory/memory-broker.js'
export { type MemoryBrokerOptions, type MemoryJournalOptions, memoryBroker } from './brokers/memory.js'
export { type CreateTasksOptions, createTasks, type DepsOf, type TasksOptions } from './create-tasks.js'
export type { DeadFilter, DeadLetter } from './dead-letter.js'
export type { DeadLetters, ReplayOptions, ReplayReport } from './dead-letters.js'
export { defineTask, implementTask, type TaskOptions } from './define-task.js'
export { disabledTasks } from './disabled-tasks.js'
export type { EnqueueBufferOptions } from './enqueue-buffer.js'
export type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
export { DEFAULT_LANE_WEIGHTS, LANES, type Lane, type LaneWeights } from './lane.js'
export type { Dedupe, Failure, TaskMessage, TaskRef } from './message.js'
export type { TaskMiddleware, TaskRun } from './middleware.js'
export {
  createOutbox,
  type Outbox,
  type OutboxEnqueueOptions,
  type OutboxOptions,
  type OutboxQueries,
} from './outbox.js'
export type { DeadReason, Outcome, Settled } from './outcome.js'
export type {
  Backoff,
  ExponentialBackoff,
  FixedBackoff,
  Jitter,
  RetryOptions,
  RetryPolicy,
} from './retry-policy.js'
export type { ScheduleOptions, ScheduleReport } from './schedule/schedule-options.js'
export type { AnyTask, Task, TaskContext } from './task.js'
export { type CancelTimer, systemTaskClock, type TaskClock } from './task-clock.js'
export {
  CapabilityError,
  EnqueueBufferFullError,
  EnqueueUnknownError,
  InvalidInputError,
  JournalCorruptError,
  JournalLockedError,
  NonRetryableError,
  PayloadTooLargeError,
  ResultTimeoutError,
  ResultUnavailableError,
  RetryAfterError,
  TaskCancelledError,
  TaskDefinitionError,
  TaskFailedError,
  TaskLostError,
  TasksDisabledError,
  TaskTimeoutError,
  WorkerShutdownError,
} from './task-errors.js'
export type { EnqueueEvent, LagEvent, SettleEvent, StartEvent } from './task-events.js'
export type { ResultOptions, TaskHandle, TaskStatus } from './task-handle.js'
export type { BatchAnswer, BatchItem, BatchOptions, ScheduledEnqueueOptions, Tasks } from './tasks.js'
export { type VirtualClock, virtualClock } from './virtual-clock.js'
export type { TaskWorker, WorkerCloseOptions, WorkerCloseReport, WorkerOptions } from './worker-options.js'
