import type { Duration } from '@plinth/config/units'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Lane } from './lane.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  either,
  FUNCTION,
  type Kind,
  type Kinds,
  LANE,
  mustBe,
  OBJECT,
  show,
  TASK,
  wholeFrom,
} from './option-checks.js'
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

const SCHEMA: Kind = {
  words: 'a Standard Schema, such as one of zod, valibot or arktype',
  is: (value) => typeof (value as Partial<StandardSchemaV1> | null)?.['~standard']?.validate === 'function',
}

const KINDS = {
  name: ANY,
  version: wholeFrom(1),
  migrate: OBJECT,
  retry: OBJECT,
  timeout: either(DURATION, { words: 'false', is: (value) => value === false }),
  queue: ANY,
  priority: LANE,
  keep: OBJECT,
  input: SCHEMA,
  output: SCHEMA,
  run: FUNCTION,
} satisfies Kinds<TaskOptions & { input: unknown; output: unknown; run: unknown }>

const KEEP = { result: DURATION, dead: DURATION } satisfies Kinds<NonNullable<TaskOptions['keep']>>

/** On Redis the lanes of a queue bear such names beside it. */
const LANE_NAME = /-(?:high|low)$/

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
  checkOptions(options, KINDS, `defineTask of ${show((options as TaskOptions | undefined)?.name)}`)
  const { name, version = 1, queue = 'default', priority = 'normal', timeout = '15m', keep = {} } = options
  checkName(name, 'A task name')
  checkName(queue, `queue of task "${name}"`)
  if (LANE_NAME.test(queue)) {
    throw new TaskDefinitionError(
      `queue of task "${name}" must not end in -high or -low (got ${show(queue)}): so the lanes of a queue are called.`,
    )
  }
  checkOptions(keep, KEEP, `keep of task "${name}"`)
  const timeoutMs = timeout === false ? undefined : durationOf(timeout, `timeout of task "${name}"`, 1)
  return {
    name,
    version,
    queue,
    lane: priority,
    retry: parseRetry(options.retry ?? {}, name),
    timeoutMs,
    keepResultMs: durationOf(keep.result ?? '1h', `keep.result of task "${name}"`),
    keepDeadMs: durationOf(keep.dead ?? '14d', `keep.dead of task "${name}"`),
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
  mustBe(task, TASK, 'What implementTask is given')
  mustBe(run, FUNCTION, `The handler of task ${show(task.name)}`)
  const { '~types': _, ...definition } = task
  return { ...definition, run: run as NonNullable<Task<Input, Output, Deps>['run']> }
}

function upcaster(
  name: string,
  version: number,
  migrate: Readonly<Record<number, (input: never) => unknown>>,
): Task['upcast'] {
  for (const [from, step] of Object.entries(migrate)) mustBe(step, FUNCTION, `migrate[${from}] of task "${name}"`)
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
