import type { Lane } from './lane.js'
import type { RetryPolicy } from './retry-policy.js'
import type { TaskContext } from './task-context.js'

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
