import type { Duration } from '@plinth/config/units'
import type { Logger } from '@plinth/core'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import type { Lane } from './lane.js'
import type { RetryPolicy } from './retry-policy.js'
import type { TaskHandle } from './task-handle.js'

/**
 * A kind of work: its name, what goes in and comes out, and how it is run. Made by `defineTask`.
 *
 * `Input` is what producers give, `Parsed` what the schema makes of it and the handler gets.
 */
export interface Task<Input = unknown, Output = unknown, Deps = unknown, Parsed = unknown> {
  readonly name: string
  readonly version: number
  readonly queue: string
  readonly lane: Lane
  readonly retry: RetryPolicy
  /** Milliseconds one attempt may take; `undefined` without limit. */
  readonly timeoutMs: number | undefined
  readonly keepResultMs: number
  readonly keepDeadMs: number
  /** Checks an input; answers what goes to the handler. Rejects with `InvalidInputError`. */
  readonly parseInput: (input: unknown) => unknown | Promise<unknown>
  /** Checks a result; answers what is stored. */
  readonly parseOutput: (output: unknown) => unknown | Promise<unknown>
  /** Brings an input of an older version to this one. */
  readonly upcast: (input: unknown, from: number) => unknown
  /** The handler; absent in a definition that only producers use. */
  readonly run: ((input: never, context: TaskContext<Deps>) => unknown) | undefined
  /** Carries the types; never there at run time. */
  readonly '~types'?: {
    readonly input: Input
    readonly output: Output
    readonly parsed: Parsed
    readonly deps: (deps: Deps) => void
  }
}

/** Any task, whatever goes in and comes out. */
export type AnyTask = Task<unknown, unknown, never>

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
