import type { Duration } from '@plinth/config/units'
import {
  type AvailabilityChange,
  BackendUnavailableError,
  type CallOptions,
  type Logger,
  silentLogger,
} from '@plinth/core'
import type { TasksAdmin } from './admin.js'
import { asError } from './as-error.js'
import type { AttemptHost } from './attempt.js'
import type { EnqueueAnswer, TaskBroker } from './broker.js'
import { BrokerAdmin } from './broker-admin.js'
import { BrokerDeadLetters } from './broker-dead-letters.js'
import { BrokerHandle } from './broker-handle.js'
import { BufferedHandle } from './buffered-handle.js'
import { buildMessage, NO_OPTIONS, type Parent } from './build-message.js'
import { checkCapabilities } from './capabilities.js'
import type { DeadLetters } from './dead-letters.js'
import { encodeInput } from './encode-input.js'
import { EnqueueBuffer, type EnqueueBufferOptions } from './enqueue-buffer.js'
import { enqueueFailure } from './enqueue-failure.js'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import type { TaskMessage } from './message.js'
import { checkMiddleware, enqueueChain, runChain, type TaskMiddleware } from './middleware.js'
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
  SIGNAL,
  show,
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
import { EnqueueUnknownError, TaskDefinitionError } from './task-errors.js'
import { enqueueChannel } from './task-events.js'
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
  ...{ tasks: LIST, deps: ANY, middleware: LIST, logger: LOGGER, enqueueTimeout: DURATION },
  enqueueWhenDown: either(oneOf('throw', 'buffer'), OBJECT),
} satisfies Kinds<CreateTasksOptions>
/** Never reached: only holds the process. */
const LONG_MS = 2_147_483_647

const BATCH = { deadline: DURATION, signal: SIGNAL } satisfies Kinds<BatchOptions>
const ITEM = { input: ANY, options: OBJECT } satisfies Kinds<BatchItem<unknown>>
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
  readonly #middleware: readonly TaskMiddleware[]
  readonly #wrapsEnqueue: boolean
  readonly #buffer: EnqueueBuffer | undefined
  readonly #schedules = new ScheduleBook()
  readonly #leadership: ScheduleLeadership
  readonly #workers = new Set<TaskWorker>()
  #closing: Promise<void> | undefined
  #closed = false

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
    this.#middleware = middleware
    this.#wrapsEnqueue = middleware.some((part) => part.enqueue !== undefined)
    this.#run = runChain(middleware)
    this.#call = { deadlineMs: durationOf(enqueueTimeout, 'enqueueTimeout of createTasks', 1) }
    const queues = [...new Set(tasks.map((task) => task.queue))]
    this.dead = new BrokerDeadLetters(broker, queues, this.#call)
    const enqueue = async (message: TaskMessage): Promise<EnqueueAnswer | undefined> =>
      (await this.#send([message], this.#call))[0]
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
    return this.#enqueue(
      task as unknown as AnyTask,
      input,
      options === undefined ? NO_OPTIONS : options,
      undefined,
    ) as Promise<TaskHandle<Output>>
  }

  async enqueueMany<Input, Output, Deps>(
    task: Task<Input, Output, Deps>,
    items: readonly BatchItem<Input>[],
    options: BatchOptions = {},
  ): Promise<readonly BatchAnswer<Output>[]> {
    checkOptions(options, BATCH, 'enqueueMany')
    mustBe(items, LIST, 'items of enqueueMany')
    const definition = this.#known(task as unknown as AnyTask)
    const built: (TaskMessage | Error)[] = []
    for (const item of items) {
      const one = this.#tryBuild(definition, item)
      built.push(one instanceof Promise ? await one : one)
    }
    const messages = built.filter((one): one is TaskMessage => !(one instanceof Error))
    const answers = messages.length === 0 ? [] : await this.#send(messages, this.#callOf(options))
    let next = 0
    return built.map((one): BatchAnswer<Output> => {
      if (one instanceof Error) return { error: one }
      const answer = answers[next++]
      try {
        return { handle: this.#answered(one, answer) as TaskHandle<Output> }
      } catch (error) {
        return { error: error as Error }
      }
    })
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
        enqueueChild: ({ message }, task, input, child) => this.#enqueue(task, input, child, message),
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
    const definition = this.#known(task as unknown as AnyTask)
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
      this.#closed = true // not before: what ran until now might enqueue
      await this.#buffer?.close(Math.max(0, end - systemTaskClock.elapsed()))
      await this.#broker.close()
    })()
    return this.#closing
  }

  async #enqueue(
    task: AnyTask,
    input: unknown,
    options: EnqueueOptions,
    parent: Parent | undefined,
  ): Promise<TaskHandle> {
    const built = this.#build(this.#known(task), input, options, parent)
    const message = built instanceof Promise ? await built : built
    const [answer] = await this.#send([message], this.#callOf(options))
    return this.#answered(message, answer)
  }

  /** Builds at once what a schema checks at once. */
  #build(task: AnyTask, input: unknown, options: EnqueueOptions, parent?: Parent): TaskMessage | Promise<TaskMessage> {
    const message = buildMessage(task, input, options, this.#broker.clock.now(), parent)
    checkCapabilities(task, this.#broker, message)
    const checked = task.parseInput(input)
    return checked instanceof Promise ? checked.then(() => message) : message
  }

  #tryBuild(task: AnyTask, item: BatchItem<unknown>): TaskMessage | Error | Promise<TaskMessage | Error> {
    try {
      checkOptions(item, ITEM, `an item of a batch of task "${task.name}"`)
      const { input, options = NO_OPTIONS } = item
      if ('deadline' in options || 'signal' in options) {
        throw new TaskDefinitionError('deadline and signal go for a whole batch: give them to enqueueMany itself.')
      }
      const built = this.#build(task, input, options)
      return built instanceof Promise ? built.catch(asError) : built
    } catch (error) {
      return asError(error)
    }
  }

  #send(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
    const sent = enqueueChannel.hasSubscribers ? this.#sendObserved(messages, call) : this.#sendThrough(messages, call)
    return this.#broker.available ? sent : keepingProcess(sent)
  }

  async #sendObserved(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
    const answers = await this.#sendThrough(messages, call)
    messages.forEach(({ id, task, queue }, index) => {
      const status = this.#buffer?.has(id) === true ? 'buffered' : (answers[index]?.status ?? 'refused')
      enqueueChannel.publish({ id, task, queue, status })
    })
    return answers
  }

  async #sendThrough(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
    if (this.#closed) {
      throw new BackendUnavailableError('These tasks are closed; nothing was enqueued.', { reason: 'closed' })
    }
    const store = this.#buffer ?? this.#broker
    if (!this.#wrapsEnqueue) return store.enqueue(messages, call)
    const send = async (message: TaskMessage): Promise<EnqueueAnswer> => {
      const [answer] = await store.enqueue([message], call)
      if (answer === undefined) throw new Error('The broker gave no answer.')
      return answer
    }
    const chain = enqueueChain(this.#middleware, send)
    const [only] = messages
    if (messages.length === 1 && only !== undefined) return [await chain(only)]
    // One that is refused by a middleware says nothing about its neighbours.
    return Promise.all(messages.map((message) => chain(message).catch(refusal)))
  }

  #answered(message: TaskMessage, answer: EnqueueAnswer | undefined): TaskHandle {
    switch (answer?.status) {
      case 'accepted':
      case 'duplicate': {
        const { task, queue, dueAt } = message
        const deduplicated = answer.status === 'duplicate'
        const facts = { id: answer.id, task, queue, deduplicated, accepted: true, dueAt }
        if (this.#buffer?.has(answer.id) !== true) return new BrokerHandle(this.#broker, facts, this.#call)
        const stored = (id: string): TaskHandle => new BrokerHandle(this.#broker, { ...facts, id }, this.#call)
        return new BufferedHandle(answer.id, queue, this.#buffer, stored)
      }
      case 'unknown':
        throw new EnqueueUnknownError(
          `Task "${message.task}" was sent to ${this.#broker.name} but not confirmed in time; it may or may not be stored. Enqueue it again with { id: ${JSON.stringify(message.id)} } to be sure.`,
          message.id,
          { cause: answer.error },
        )
      default:
        throw answer?.error ?? new Error('The broker gave no answer.')
    }
  }

  #callOf(options: { readonly deadline?: Duration; readonly signal?: AbortSignal }): CallOptions {
    if (options.deadline === undefined && options.signal === undefined) return this.#call
    const deadlineMs =
      options.deadline === undefined ? this.#call.deadlineMs : durationOf(options.deadline, 'deadline of an enqueue', 1)
    return options.signal === undefined ? { deadlineMs } : { deadlineMs, signal: options.signal }
  }

  #known(task: AnyTask): AnyTask {
    const known = this.#tasks.get(task?.name)
    if (known !== undefined) return known
    mustBe(task, TASK, 'What is enqueued')
    throw new TaskDefinitionError(`Task ${show(task.name)} is not known here: add it to createTasks({ tasks: [...] }).`)
  }
}

/** Before a broker is connected nothing else may keep a process, and one that awaits an answer does not just end. */
async function keepingProcess<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const hold = setInterval(() => {}, LONG_MS)
  try {
    return await answer
  } finally {
    clearInterval(hold)
  }
}

function refusal(thrown: unknown): EnqueueAnswer {
  return { status: 'refused', error: enqueueFailure(thrown) }
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
