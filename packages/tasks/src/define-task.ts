import { type Duration, parseDuration } from '@plinth/config/units'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { LANES, type Lane } from './lane.js'
import { parseRetry, type RetryOptions } from './retry-policy.js'
import { schemaParser } from './schema-parser.js'
import type { Task, TaskContext } from './task.js'
import { TaskDefinitionError } from './task-errors.js'

/** How a task is defined; see {@link defineTask}. */
export interface TaskOptions {
  /** Unique among the tasks of a service, such as `image.resize`. Renaming it orphans what is under way. */
  readonly name: string
  /** Counts up when the input changes incompatibly. Default 1. */
  readonly version?: number
  /** Brings the input of version `n` to version `n + 1`: `{ 1: (input) => ... }`. */
  readonly migrate?: Readonly<Record<number, (input: never) => unknown>>
  /** Default 3 attempts with exponential backoff from 1 s. */
  readonly retry?: RetryOptions
  /** How long one attempt may take. Default `'15m'`; `false` for no limit. */
  readonly timeout?: Duration | false
  /** The queue it goes to. Default `'default'`. */
  readonly queue?: string
  /** Default `'normal'`. */
  readonly priority?: Lane
  /** How long results and dead letters are kept. Default 1 hour and 14 days. */
  readonly keep?: { readonly result?: Duration; readonly dead?: Duration }
}

/** Names that every broker takes: letters, digits, and `. _ -` within. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/

/**
 * Defines a task: what goes in, how it is run, what comes out.
 *
 * The producer's input is validated and sent as it is; the worker validates again and hands the handler what the schema
 * makes of it, so that `z.coerce.date()` survives the way through JSON. Leave `run` out for a definition that producers
 * import without the code behind it, and add it with {@link implementTask} where workers run.
 *
 * @throws TaskDefinitionError when a name, a number or a duration is not one.
 */
export function defineTask<Schema extends StandardSchemaV1, Output = void, Deps = unknown>(
  options: TaskOptions & {
    /** Any Standard Schema: zod, valibot, arktype and others. */
    readonly input: Schema
    /** Checks what the handler answers before it is stored. */
    readonly output?: StandardSchemaV1<unknown, Output>
    readonly run?: (input: StandardSchemaV1.InferOutput<Schema>, context: TaskContext<Deps>) => Output | Promise<Output>
  },
): Task<StandardSchemaV1.InferInput<Schema>, Output, Deps, StandardSchemaV1.InferOutput<Schema>>
export function defineTask<Input = undefined, Output = void, Deps = unknown>(
  options: TaskOptions & {
    readonly input?: undefined
    readonly output?: StandardSchemaV1<unknown, Output>
    readonly run?: (input: Input, context: TaskContext<Deps>) => Output | Promise<Output>
  },
): Task<Input, Output, Deps, Input>
export function defineTask(
  options: TaskOptions & {
    readonly input?: StandardSchemaV1 | undefined
    readonly output?: StandardSchemaV1
    readonly run?: (input: never, context: TaskContext<never>) => unknown
  },
): Task<unknown, unknown, never> {
  const { name, version = 1, queue = 'default', priority = 'normal', timeout = '15m', keep = {} } = options
  checkName(name, 'A task name')
  checkName(queue, `queue of task "${name}"`)
  if (!LANES.includes(priority)) {
    throw new TaskDefinitionError(`Task "${name}": priority must be one of ${LANES.join(', ')}.`)
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new TaskDefinitionError(`Task "${name}": version must be a whole number from 1 on (got ${String(version)}).`)
  }
  const timeoutMs = timeout === false ? undefined : parseDuration(timeout, `timeout of task "${name}"`)
  if (timeoutMs === 0) throw new TaskDefinitionError(`Task "${name}": timeout must be more than nothing, or false.`)
  return {
    name,
    version,
    queue,
    lane: priority,
    retry: parseRetry(options.retry ?? {}, name),
    timeoutMs,
    keepResultMs: parseDuration(keep.result ?? '1h', `keep.result of task "${name}"`),
    keepDeadMs: parseDuration(keep.dead ?? '14d', `keep.dead of task "${name}"`),
    parseInput: schemaParser(options.input, `The input of task "${name}"`),
    parseOutput: schemaParser(options.output, `The result of task "${name}"`),
    upcast: upcaster(name, version, options.migrate ?? {}),
    run: options.run,
  }
}

/** Adds the handler to a definition that was made without one. */
export function implementTask<Input, Output, Parsed, Deps = unknown>(
  task: Task<Input, Output, unknown, Parsed>,
  run: (input: Parsed, context: TaskContext<Deps>) => Output | Promise<Output>,
): Task<Input, Output, Deps, Parsed> {
  const { '~types': _, ...definition } = task
  return { ...definition, run: run as NonNullable<Task<Input, Output, Deps>['run']> }
}

function upcaster(
  name: string,
  version: number,
  migrate: Readonly<Record<number, (input: never) => unknown>>,
): Task['upcast'] {
  for (const from of Object.keys(migrate).map(Number)) {
    if (!(Number.isSafeInteger(from) && from >= 1 && from < version)) {
      throw new TaskDefinitionError(
        `Task "${name}": migrate has a step from version ${from}, but its version is ${version}.`,
      )
    }
  }
  return (input, from) => {
    let value = input
    for (let step = from; step < version; step += 1) {
      const migrateStep = migrate[step]
      if (migrateStep === undefined) continue
      value = migrateStep(value as never)
    }
    return value
  }
}

function checkName(name: unknown, what: string): void {
  if (typeof name === 'string' && NAME.test(name)) return
  throw new TaskDefinitionError(
    `${what} must be 1 to 100 letters, digits, dots, dashes or underscores (got ${show(name)}).`,
  )
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 120)) : typeof value
}
