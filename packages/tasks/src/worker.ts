import type { Closable, Logger } from '@plinth/core'
import { Attempt, type AttemptHost } from './attempt.js'
import type { Delivery, TaskBroker, TaskConsumer } from './broker.js'
import { describeFailure } from './failure.js'
import { DEFAULT_LANE_WEIGHTS, type LaneWeights } from './lane.js'
import { watchLoop } from './loop-watch.js'
import {
  checkOptions,
  DURATION,
  durationOf,
  type Kinds,
  LIST,
  OBJECT,
  SWITCH,
  show,
  wholeFrom,
} from './option-checks.js'
import type { Outcome } from './outcome.js'
import { parking } from './parking.js'
import type { ScheduleLeadership } from './schedule/leadership.js'
import type { AnyTask } from './task.js'
import { systemTaskClock } from './task-clock.js'
import { TaskCancelledError, TaskDefinitionError, TaskLostError, WorkerShutdownError } from './task-errors.js'
import { settleChannel, startChannel } from './task-events.js'
import type { TaskWorker, WorkerCloseOptions, WorkerCloseReport, WorkerOptions } from './worker-options.js'

/** Never reached: only holds the process. */
const LONG_MS = 2_147_483_647

/** RabbitMQ counts what a consumer holds in two bytes. */
const MOST_AT_ONCE = 65_535
const KINDS = {
  concurrency: wholeFrom(1, MOST_AT_ONCE),
  queues: LIST,
  weights: OBJECT,
  crashBudget: wholeFrom(1),
  grace: DURATION,
  unknownGrace: DURATION,
  schedules: SWITCH,
} satisfies Kinds<WorkerOptions>
const WEIGHT = wholeFrom(1, 1_000_000)
const WEIGHTS = { high: WEIGHT, normal: WEIGHT, low: WEIGHT } satisfies Kinds<LaneWeights>
const CLOSE = { deadline: DURATION } satisfies Kinds<WorkerCloseOptions>

/** What a worker needs of the `Tasks` it belongs to. */
export interface WorkerHost {
  readonly broker: TaskBroker
  readonly tasks: ReadonlyMap<string, AnyTask>
  readonly logger: Logger
  readonly deps: unknown
  readonly chain: AttemptHost['chain']
  readonly enqueueChild: AttemptHost['enqueueChild']
  readonly leadership: ScheduleLeadership
}

/** Runs deliveries of a broker as attempts, and takes the process's tasks down in order. */
export class Worker implements TaskWorker {
  readonly #host: WorkerHost
  readonly #options: WorkerOptions
  readonly #attemptHost: AttemptHost
  readonly #concurrency: number
  readonly #weights: LaneWeights
  readonly #unknownGraceMs: number
  readonly #running = new Map<string, Attempt>()
  #consumer: TaskConsumer | undefined
  #leadership: Closable | undefined
  #starting: Promise<void> | undefined
  #closing: Promise<WorkerCloseReport> | undefined
  #closed = false
  #zombies = 0
  #handedBack = 0
  #finished = 0
  #idle: (() => void) | undefined
  #hold: NodeJS.Timeout | undefined
  #unwatch: (() => void) | undefined
  /** The task that was started last: what blocked the event loop may have ended before anybody could look. */
  #latest: readonly string[] = []

  constructor(host: WorkerHost, options: WorkerOptions) {
    checkOptions(options, KINDS, 'a worker')
    checkQueues(options.queues, host.tasks)
    this.#host = host
    this.#options = options
    this.#concurrency = options.concurrency ?? 10
    this.#weights = parseWeights(options.weights)
    this.#unknownGraceMs = durationOf(options.unknownGrace ?? '15m', 'unknownGrace of a worker')
    this.#attemptHost = {
      clock: host.broker.clock,
      logger: host.logger,
      deps: host.deps,
      graceMs: durationOf(options.grace ?? '1s', 'grace of a worker'),
      largestResultBytes: host.broker.capabilities.largestMessageBytes,
      chain: host.chain,
      enqueueChild: host.enqueueChild,
      zombies: (change) => this.#countZombie(change),
    }
  }

  get state(): TaskWorker['state'] {
    if (this.#closed) return 'closed'
    if (this.#closing !== undefined) return 'closing'
    return this.#starting === undefined ? 'idle' : 'running'
  }

  get running(): number {
    return this.#running.size
  }

  get zombies(): number {
    return this.#zombies
  }

  start(): Promise<void> {
    if (this.#closing !== undefined)
      return Promise.reject(new TaskDefinitionError('A closed worker cannot be started.'))
    this.#starting ??= this.#start()
    return this.#starting
  }

  async close(options: WorkerCloseOptions = {}): Promise<WorkerCloseReport> {
    checkOptions(options, CLOSE, 'worker.close()')
    const deadlineMs = durationOf(options.deadline ?? '10s', 'deadline of worker.close()')
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #start(): Promise<void> {
    this.#consumer = await this.#host.broker.consume({
      queues: this.#options.queues ?? queuesOf(this.#host.tasks),
      concurrency: this.#concurrency,
      weights: this.#weights,
      crashBudget: this.#options.crashBudget ?? 3,
      handle: (delivery) => this.#handle(delivery),
      interrupt: (id, why, reason) => this.#interrupt(id, why, reason),
      onError: (error) => this.#host.logger.warn({ failure: describeFailure(error) }, 'a task worker met an error'),
    })
    // While a broker is away nothing else would keep the process, and nobody would come back to the tasks.
    if (this.#host.broker.capabilities.shared) this.#hold = setInterval(() => {}, LONG_MS)
    this.#unwatch = watchLoop({
      leaseMs: this.#host.broker.capabilities.leaseMs,
      logger: this.#host.logger,
      running: () => [...[...this.#running.values()].map(({ task }) => task), ...this.#latest],
    })
    if (this.#options.schedules !== false) this.#leadership = await this.#host.leadership.join(this)
  }

  #handle(delivery: Delivery): Promise<Outcome> {
    const { message } = delivery
    const definition = this.#host.tasks.get(message.task)
    const now = this.#host.broker.clock.now()
    if (definition?.run === undefined || message.version > definition.version) {
      return Promise.resolve(parking(message, definition, now, this.#unknownGraceMs))
    }
    if (delivery.attempt === 1 && message.expiresAt !== undefined && now > message.expiresAt) {
      const failure = { name: 'Expired', message: `Not started before it expired, ${now - message.expiresAt} ms ago.` }
      return Promise.resolve({ kind: 'dead', reason: 'expired', failure })
    }
    if (this.#closing !== undefined) return Promise.resolve({ kind: 'released' })
    const attempt = new Attempt(this.#attemptHost, delivery, definition, now)
    this.#running.set(message.id, attempt)
    if (this.#latest[0] !== message.task) this.#latest = [message.task]
    if (startChannel.hasSubscribers || settleChannel.hasSubscribers) return this.#observed(delivery, attempt, now)
    return attempt.run().then((outcome) => {
      this.#left(message.id, attempt, outcome)
      return outcome
    })
  }

  async #observed(delivery: Delivery, attempt: Attempt, startedAt: number): Promise<Outcome> {
    const { message, suspect } = delivery
    const facts = { id: message.id, task: message.task, queue: message.queue, attempt: delivery.attempt }
    const latencyMs = startedAt - (message.dueAt ?? message.enqueuedAt)
    startChannel.publish({ ...facts, latencyMs, suspect })
    const started = this.#host.broker.clock.elapsed()
    const outcome = await attempt.run()
    const durationMs = this.#host.broker.clock.elapsed() - started
    const reason = outcome.kind === 'dead' ? outcome.reason : undefined
    settleChannel.publish({ ...facts, outcome: outcome.kind, reason, durationMs })
    this.#left(message.id, attempt, outcome)
    return outcome
  }

  #left(id: string, attempt: Attempt, outcome: Outcome): void {
    if (this.#running.get(id) === attempt) this.#running.delete(id)
    if (this.#closing === undefined) return
    if (outcome.kind === 'released') this.#handedBack += 1
    else this.#finished += 1
    if (this.#running.size === 0) this.#idle?.()
  }

  #interrupt(id: string, why: 'cancelled' | 'lost', reason: string | undefined): void {
    const error = why === 'lost' ? new TaskLostError() : new TaskCancelledError(reason ?? 'The task was cancelled.')
    this.#running.get(id)?.interrupt(why, error)
  }

  async #close(deadlineMs: number): Promise<WorkerCloseReport> {
    const began = systemTaskClock.elapsed()
    await this.#starting?.catch(() => {}) // a start that failed has nothing to take down
    await this.#leadership?.close()
    await this.#consumer?.stop()
    // What is told to end needs time to do so, and the broker needs time to store the last outcomes.
    const patience = Math.max(0, deadlineMs - Math.min(1000, deadlineMs / 4))
    if (!(await this.#drained(patience))) {
      for (const attempt of this.#running.values()) attempt.interrupt('shutdown', new WorkerShutdownError())
      if (!(await this.#drained((deadlineMs - patience) / 2))) {
        for (const attempt of this.#running.values()) attempt.force()
      }
    }
    await this.#consumer?.close(Math.max(500, deadlineMs - (systemTaskClock.elapsed() - began)))
    clearInterval(this.#hold)
    this.#unwatch?.()
    this.#closed = true
    return {
      finished: this.#finished,
      handedBack: this.#handedBack,
      zombies: this.#zombies,
      ms: systemTaskClock.elapsed() - began,
    }
  }

  /** Waits until nothing runs, at most `ms` of real time (a process goes down by no test's clock); answers whether that is so. */
  #drained(ms: number): Promise<boolean> {
    if (this.#running.size === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const cancel = systemTaskClock.after(ms, () => resolve(false))
      this.#idle = () => {
        cancel()
        resolve(true)
      }
    })
  }

  #countZombie(change: 1 | -1): void {
    this.#zombies += change
    if (change === 1) {
      this.#host.logger.warn(
        { zombies: this.#zombies },
        'a handler ignores its signal and goes on after its task was settled; pass ctx.signal on to what it waits for',
      )
    }
  }
}

function queuesOf(tasks: ReadonlyMap<string, AnyTask>): readonly string[] {
  return [...new Set([...tasks.values()].map((task) => task.queue))]
}

function parseWeights(weights: WorkerOptions['weights'] = {}): LaneWeights {
  checkOptions(weights, WEIGHTS, 'weights of a worker')
  const { high, normal, low } = DEFAULT_LANE_WEIGHTS
  return { high: weights.high ?? high, normal: weights.normal ?? normal, low: weights.low ?? low }
}

/** A queue that no task goes to would be served for ever, and the one that was meant never. */
function checkQueues(queues: WorkerOptions['queues'], tasks: ReadonlyMap<string, AnyTask>): void {
  if (queues === undefined) return
  const known = queuesOf(tasks)
  const stranger = queues.find((queue) => !known.includes(queue))
  if (queues.length > 0 && stranger === undefined) return
  const problem =
    queues.length === 0 ? 'are none' : `hold ${show(stranger)}, to which no task given to createTasks goes`
  throw new TaskDefinitionError(`queues of a worker ${problem}. Known queues: ${known.join(', ')}.`)
}
