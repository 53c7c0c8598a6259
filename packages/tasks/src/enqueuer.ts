import type { Duration } from '@plinth/config/units'
import { BackendUnavailableError, type CallOptions } from '@plinth/core'
import { asError } from './as-error.js'
import type { EnqueueAnswer, TaskBroker } from './broker.js'
import { BrokerHandle } from './broker-handle.js'
import { BufferedHandle } from './buffered-handle.js'
import { buildMessage, NO_OPTIONS, type Parent } from './build-message.js'
import { checkCapabilities } from './capabilities.js'
import type { EnqueueBuffer } from './enqueue-buffer.js'
import { enqueueFailure } from './enqueue-failure.js'
import type { EnqueueOptions } from './enqueue-options.js'
import type { TaskMessage } from './message.js'
import { enqueueChain, type TaskMiddleware } from './middleware.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  type Kinds,
  LIST,
  mustBe,
  OBJECT,
  SIGNAL,
  show,
  TASK,
} from './option-checks.js'
import type { AnyTask } from './task.js'
import { EnqueueUnknownError, TaskDefinitionError } from './task-errors.js'
import { enqueueChannel } from './task-events.js'
import type { TaskHandle } from './task-handle.js'
import type { BatchAnswer, BatchItem, BatchOptions } from './tasks.js'

/** Never reached: only holds the process. */
const LONG_MS = 2_147_483_647

const BATCH = { deadline: DURATION, signal: SIGNAL } satisfies Kinds<BatchOptions>
const ITEM = { input: ANY, options: OBJECT } satisfies Kinds<BatchItem<unknown>>

/** What an enqueuer needs of the tasks it enqueues. */
export interface EnqueuerHost {
  readonly broker: TaskBroker
  readonly tasks: ReadonlyMap<string, AnyTask>
  readonly middleware: readonly TaskMiddleware[]
  /** Keeps tasks while the broker is away, where that was asked for. */
  readonly buffer: EnqueueBuffer | undefined
  /** Bounds of a call that sets none. */
  readonly call: CallOptions & { readonly deadlineMs: number }
}

/** Makes messages of tasks and their input, hands them to the broker, and makes handles or errors of its answers. */
export class Enqueuer {
  readonly #broker: TaskBroker
  readonly #tasks: ReadonlyMap<string, AnyTask>
  readonly #middleware: readonly TaskMiddleware[]
  readonly #wrapsEnqueue: boolean
  readonly #buffer: EnqueueBuffer | undefined
  readonly #call: CallOptions & { readonly deadlineMs: number }
  #closed = false

  constructor({ broker, tasks, middleware, buffer, call }: EnqueuerHost) {
    this.#broker = broker
    this.#tasks = tasks
    this.#middleware = middleware
    this.#wrapsEnqueue = middleware.some((part) => part.enqueue !== undefined)
    this.#buffer = buffer
    this.#call = call
  }

  /** Builds, checks and stores one task. Rejects with what keeps it from being stored. */
  async enqueue(
    task: AnyTask,
    input: unknown,
    options: EnqueueOptions,
    parent: Parent | undefined,
  ): Promise<TaskHandle> {
    const built = this.#build(this.known(task), input, options, parent)
    const message = built instanceof Promise ? await built : built
    const [answer] = await this.send([message], this.#callOf(options))
    return this.#answered(message, answer)
  }

  /** As {@link Enqueuer.enqueue}, for many at once; each has an answer of its own. */
  async enqueueMany(
    task: AnyTask,
    items: readonly BatchItem<unknown>[],
    options: BatchOptions,
  ): Promise<readonly BatchAnswer<unknown>[]> {
    checkOptions(options, BATCH, 'enqueueMany')
    mustBe(items, LIST, 'items of enqueueMany')
    const definition = this.known(task)
    const built: (TaskMessage | Error)[] = []
    for (const item of items) {
      const one = this.#tryBuild(definition, item)
      built.push(one instanceof Promise ? await one : one)
    }
    const messages = built.filter((one): one is TaskMessage => !(one instanceof Error))
    const answers = messages.length === 0 ? [] : await this.send(messages, this.#callOf(options))
    let next = 0
    return built.map((one): BatchAnswer<unknown> => {
      if (one instanceof Error) return { error: one }
      const answer = answers[next++]
      try {
        return { handle: this.#answered(one, answer) }
      } catch (error) {
        return { error: error as Error }
      }
    })
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

  /** Hands messages over, through the middleware. */
  send(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
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

  /** The definition of a task that is enqueued, or is to be scheduled. */
  known(task: AnyTask): AnyTask {
    const known = this.#tasks.get(task?.name)
    if (known !== undefined) return known
    mustBe(task, TASK, 'What is enqueued')
    throw new TaskDefinitionError(`Task ${show(task.name)} is not known here: add it to createTasks({ tasks: [...] }).`)
  }

  /** Takes nothing more. */
  close(): void {
    this.#closed = true
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
