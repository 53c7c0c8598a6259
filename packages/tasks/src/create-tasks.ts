import type { Duration } from '@plinth/config/units'
import { type AvailabilityChange, type CallOptions, type Logger, silentLogger } from '@plinth/core'
import type { TasksAdmin } from './admin.js'
import type { AttemptHost } from './attempt.js'
import type { EnqueueAnswer, TaskBroker } from './broker.js'
import { BrokerAdmin } from './broker-admin.js'
import { BrokerDeadLetters } from './broker-dead-letters.js'
import { BrokerHandle } from './broker-handle.js'
import { NO_OPTIONS } from './build-message.js'
import { checkCapabilities } from './capabilities.js'
import type { DeadLetters } from './dead-letters.js'
import { encodeInput } from './encode-input.js'
import { EnqueueBuffer, type EnqueueBufferOptions } from './enqueue-buffer.js'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import { Enqueuer } from './enqueuer.js'
import type { TaskMessage } from './message.js'
import { checkMiddleware, runChain, type TaskMiddleware } from './middleware.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  either,
  having,
  type Kinds,
  LIST,
  LOGGER,
  mustBe,
  OBJECT,
  oneOf,
  TASK,
  TEXT,
} from './option-checks.js'
import { ScheduleLeadership } from './schedule/leadership.js'
import { parseSchedule } from './schedule/schedule.js'
import { ScheduleBook } from './schedule/schedule-book.js'
import type { ScheduleOptions } from './schedule/schedule-options.js'
import { slotMessage } from './schedule/scheduler.js'
import type { AnyTask, Task } from './task.js'
import { systemTaskClock } from './task-clock.js'
import { TaskDefinitionError } from './task-errors.js'
import type { TaskHandle } from './task-handle.js'
import type { BatchAnswer, BatchItem, BatchOptions, ScheduledEnqueueOptions, Tasks } from './tasks.js'
import { Worker } from './worker.js'
import type { TaskWorker, WorkerOptions } from './worker-options.js'

/** The dependencies that the handlers of some tasks ask for, all of them together. */
export type DepsOf<Listed extends readonly unknown[]> = (
  Listed[number] extends infer One
    ? One extends { readonly '~types'?: { readonly deps: (deps: infer Deps) => void } }
      ? (deps: Deps) => void
      : never
    : never
) extends (deps: infer All) => void
  ? All
  : unknown

/** What `createTasks` is given. `deps` is required as soon as a handler names what it needs. */
export type CreateTasksOptions<Listed extends readonly unknown[] = readonly AnyTask[]> = TasksOptions & {
  /** Every task this service enqueues or runs. */
  readonly tasks: Listed
} & (unknown extends DepsOf<Listed> ? { readonly deps?: unknown } : { readonly deps: DepsOf<Listed> })

/** What does not depend on the tasks. */
export interface TasksOptions {
  /** Where tasks wait. It belongs to the `Tasks` made here, and is closed with it. */
  readonly broker: TaskBroker
  readonly middleware?: readonly TaskMiddleware[]
  readonly logger?: Logger
  /** How long an enqueue, or another question to the broker, may take. Default `'5s'`. */
  readonly enqueueTimeout?: Duration
  /**
   * What an enqueue does while the broker is away. `'throw'` (the default): it fails at once. `'buffer'`, or the bounds of
   * one: it keeps the task in this process and hands it over when the broker is back, under the same id. A buffered task
   * is lost when the process dies.
   */
  readonly enqueueWhenDown?: 'throw' | 'buffer' | EnqueueBufferOptions
}

/**
 * Assembles background tasks over a broker. No I/O: the broker connects when something is enqueued, a worker starts, or
 * `open` is called.
 *
 * @throws TaskDefinitionError when two tasks share a name; CapabilityError when the broker cannot honour a definition.
 */
export function createTasks<const Listed extends readonly AnyTask[]>(options: CreateTasksOptions<Listed>): Tasks {
  return new BrokerTasks(options as unknown as CreateTasksOptions)
}

const KINDS = {
  broker: having('a broker, such as memoryBroker()', 'enqueue', 'consume'),
  tasks: LIST,
  deps: ANY,
  middleware: LIST,
  logger: LOGGER,
  enqueueTimeout: DURATION,
  enqueueWhenDown: either(oneOf('throw', 'buffer'), OBJECT),
} satisfies Kinds<CreateTasksOptions>
const CLOSE = { deadline: DURATION }

class BrokerTasks implements Tasks {
  readonly enabled = true
  readonly dead: DeadLetters
  readonly admin: TasksAdmin
  readonly #broker: TaskBroker
  readonly #tasks: ReadonlyMap<string, AnyTask>
  readonly #logger: Logger
  readonly #deps: unknown
  readonly #call: CallOptions & { readonly deadlineMs: number }
  readonly #run: AttemptHost['chain']
  readonly #enqueuer: Enqueuer
  readonly #buffer: EnqueueBuffer | undefined
  readonly #schedules = new ScheduleBook()
  readonly #leadership: ScheduleLeadership
  readonly #workers = new Set<TaskWorker>()
  #closing: Promise<void> | undefined

  constructor(options: CreateTasksOptions) {
    checkOptions(options, KINDS, 'createTasks')
    const {
      broker,
      tasks,
      deps,
      logger = silentLogger,
      middleware = [],
      enqueueTimeout = '5s',
      enqueueWhenDown = 'throw',
    } = options
    mustBe(broker, KINDS.broker, 'broker of createTasks')
    mustBe(tasks, LIST, 'tasks of createTasks')
    checkMiddleware(middleware)
    this.#broker = broker
    this.#tasks = byName(tasks)
    for (const task of tasks) checkCapabilities(task, broker)
    this.#logger = logger
    this.#deps = deps
    const bounds = enqueueWhenDown === 'buffer' ? {} : enqueueWhenDown
    if (bounds !== 'throw') this.#buffer = new EnqueueBuffer(broker, logger, bounds)
    this.#run = runChain(middleware)
    this.#call = { deadlineMs: durationOf(enqueueTimeout, 'enqueueTimeout of createTasks', 1) }
    this.#enqueuer = new Enqueuer({ broker, tasks: this.#tasks, middleware, buffer: this.#buffer, call: this.#call })
    const queues = [...new Set(tasks.map((task) => task.queue))]
    this.dead = new BrokerDeadLetters(broker, queues, this.#call)
    const enqueue = async (message: TaskMessage): Promise<EnqueueAnswer | undefined> =>
      (await this.#enqueuer.send([message], this.#call))[0]
    const ofSchedules = { broker, schedules: this.#schedules, call: this.#call, enqueue }
    this.admin = new BrokerAdmin({ ...ofSchedules, queues })
    this.#leadership = new ScheduleLeadership({ ...ofSchedules, logger })
  }

  get broker(): string {
    return this.#broker.name
  }

  get target(): string | undefined {
    return this.#broker.target
  }

  get available(): boolean {
    return this.#broker.available
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#broker.onChange(listener)
  }

  get buffered(): number {
    return this.#buffer?.size ?? 0
  }

  open(options?: CallOptions): Promise<void> {
    return this.#broker.open(options)
  }

  enqueue<Input, Output, Deps>(
    task: Task<Input, Output, Deps>,
    ...[input, options]: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<TaskHandle<Output>> {
    return this.#enqueuer.enqueue(
      task as unknown as AnyTask,
      input,
      options === undefined ? NO_OPTIONS : options,
      undefined,
    ) as Promise<TaskHandle<Output>>
  }

  enqueueMany<Input, Output, Deps>(
    task: Task<Input, Output, Deps>,
    items: readonly BatchItem<Input>[],
    options: BatchOptions = {},
  ): Promise<readonly BatchAnswer<Output>[]> {
    const batch = this.#enqueuer.enqueueMany(task as unknown as AnyTask, items, options)
    return batch as Promise<readonly BatchAnswer<Output>[]>
  }

  handle<Input, Output, Deps>(task: Task<Input, Output, Deps>, id: string): TaskHandle<Output> {
    mustBe(task, TASK, 'task of handle()')
    mustBe(id, TEXT, 'id of handle()')
    const facts = { id, queue: task.queue, task: task.name, deduplicated: false, accepted: false, dueAt: undefined }
    return new BrokerHandle(this.#broker, facts, this.#call) as TaskHandle<Output>
  }

  worker(options: WorkerOptions = {}): TaskWorker {
    if (this.#closing !== undefined) throw new TaskDefinitionError('These tasks are closed: a worker would run none.')
    const worker = new Worker(
      {
        broker: this.#broker,
        tasks: this.#tasks,
        logger: this.#logger,
        deps: this.#deps,
        chain: this.#run,
        enqueueChild: ({ message }, task, input, child) => this.#enqueuer.enqueue(task, input, child, message),
        leadership: this.#leadership,
      },
      options,
    )
    this.#workers.add(worker)
    return worker
  }

  schedule<Input, Output, Deps>(
    name: string,
    when: ScheduleOptions,
    task: Task<Input, Output, Deps>,
    ...[input, options]: EnqueueArguments<Input, ScheduledEnqueueOptions>
  ): void {
    const definition = this.#enqueuer.known(task as unknown as AnyTask)
    if (this.#schedules.get(name) !== undefined) {
      throw new TaskDefinitionError(`There is a schedule "${name}" already; a name stands for one schedule.`)
    }
    const checked = definition.parseInput(input)
    if (checked instanceof Promise) checked.catch(() => {}) // an asynchronous schema speaks when the slot is run
    const schedule = parseSchedule(name, when, definition, input, options === undefined ? {} : options)
    const now = this.#broker.clock.now()
    const message = slotMessage(schedule, now, now) // what no slot could enqueue is refused here, not at night
    checkCapabilities(definition, this.#broker, message)
    encodeInput(message, this.#broker.capabilities.largestMessageBytes)
    this.#schedules.add(schedule)
  }

  async close(options: { readonly deadline?: Duration } = {}): Promise<void> {
    checkOptions(options, CLOSE, 'tasks.close()')
    const deadline = durationOf(options.deadline ?? '10s', 'deadline of tasks.close()')
    this.#closing ??= (async () => {
      const end = systemTaskClock.elapsed() + deadline
      await Promise.all([...this.#workers].map((worker) => worker.close({ deadline })))
      this.#enqueuer.close() // not before: what ran until now might enqueue
      await this.#buffer?.close(Math.max(0, end - systemTaskClock.elapsed()))
      await this.#broker.close()
    })()
    return this.#closing
  }
}

function byName(tasks: readonly AnyTask[]): ReadonlyMap<string, AnyTask> {
  const known = new Map<string, AnyTask>()
  for (const task of tasks) {
    mustBe(task, TASK, 'Each of the tasks of createTasks')
    if (known.has(task.name)) {
      throw new TaskDefinitionError(`Two tasks are named "${task.name}"; a name stands for one task.`)
    }
    known.set(task.name, task)
  }
  return known
}
