import type { Duration } from '@plinth/config/units'
import type { InfraError, Logger } from '@plinth/core'
import { asJson } from './as-json.js'
import type { Delivery } from './broker.js'
import { NO_OPTIONS } from './build-message.js'
import { currentInput } from './current-input.js'
import { encodeResult } from './encode-result.js'
import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import { describeFailure } from './failure.js'
import { isThenable } from './is-thenable.js'
import type { TaskRun } from './middleware.js'
import { durationOf, FUNCTION, mustBe, show, TEXT } from './option-checks.js'
import type { Outcome } from './outcome.js'
import { Snooze } from './snooze.js'
import type { AnyTask, Task, TaskContext } from './task.js'
import type { CancelTimer, TaskClock } from './task-clock.js'
import { InvalidInputError, NonRetryableError, TaskTimeoutError } from './task-errors.js'
import type { TaskHandle } from './task-handle.js'
import { taskLogger } from './task-logger.js'
import { thrownOutcome } from './thrown-outcome.js'

/** What an attempt needs of the worker that runs it. */
export interface AttemptHost {
  readonly clock: TaskClock
  readonly logger: Logger
  readonly deps: unknown
  /** How long a handler may take to end after its signal has aborted, in milliseconds. */
  readonly graceMs: number
  readonly largestResultBytes: number
  /** The middleware around a run; absent when there is none. */
  readonly chain: ((run: TaskRun, handler: () => unknown) => unknown) | undefined
  enqueueChild(parent: Delivery, task: AnyTask, input: unknown, options: EnqueueOptions): Promise<TaskHandle>
  /** Told when a handler goes on after its attempt has been settled (+1), and when it ends at last (-1). */
  zombies(change: 1 | -1): void
}

/** Why a running attempt was told to end, and so what it means when the handler then throws. */
type Interruption = 'timeout' | 'cancelled' | 'shutdown' | 'lost'

/** One run of one task's handler: it always comes to an outcome, whatever the handler does. */
export class Attempt implements TaskContext<never> {
  readonly #host: AttemptHost
  readonly #delivery: Delivery
  readonly #definition: AnyTask
  readonly #startedAt: number
  #controller: AbortController | undefined
  #interrupted: { readonly why: Interruption; readonly error: InfraError } | undefined
  #timer: CancelTimer | undefined
  #decide: ((outcome: Outcome) => void) | undefined
  #decided = false
  #handlerRunning = false
  #log: Logger | undefined

  constructor(host: AttemptHost, delivery: Delivery, definition: AnyTask, startedAt: number) {
    this.#host = host
    this.#delivery = delivery
    this.#definition = definition
    this.#startedAt = startedAt
  }

  get deadline(): number | undefined {
    const { timeoutMs } = this.#definition
    return timeoutMs === undefined ? undefined : this.#startedAt + timeoutMs
  }

  get id(): string {
    return this.#delivery.message.id
  }

  get task(): string {
    return this.#definition.name
  }

  get attempt(): number {
    return this.#delivery.attempt
  }

  get attempts(): number {
    return this.#delivery.message.attempts
  }

  get deps(): never {
    return this.#host.deps as never
  }

  /** Made on first use: most handlers never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#interrupted !== undefined) this.#controller.abort(this.#interrupted.error)
    }
    return this.#controller.signal
  }

  get log(): Logger {
    this.#log ??= taskLogger(this.#host.logger, { task: this.task, taskId: this.id, attempt: this.attempt })
    return this.#log
  }

  async progress(value: unknown): Promise<void> {
    const text = asJson(value, `The progress of task "${this.task}"`, this.#host.largestResultBytes)
    if (text === undefined || this.#decided) return
    try {
      await this.#delivery.progress(text)
    } catch (error) {
      this.log.debug({ failure: describeFailure(error) }, 'progress could not be stored')
    }
  }

  async once<Result>(key: string, step: () => Result | Promise<Result>): Promise<Result> {
    mustBe(key, TEXT, `key of once() in task "${this.task}"`)
    mustBe(step, FUNCTION, `step of once() in task "${this.task}"`)
    const known = await this.#delivery.recall(key)
    if (known !== undefined) return (JSON.parse(known) as { value: Result }).value
    const value = await step()
    const { largestResultBytes } = this.#host
    let text: string | undefined
    try {
      text = asJson({ value }, `What step ${show(key)} of task "${this.task}" answered`, largestResultBytes)
    } catch (cause) {
      throw new NonRetryableError((cause as Error).message, { cause }) // it is done: a next attempt would do it again
    }
    if (text !== undefined) await this.#delivery.remember(key, text)
    return value
  }

  snooze(delay: Duration): never {
    throw new Snooze(durationOf(delay, `snooze of task "${this.task}"`))
  }

  enqueue<Input, Output, ChildDeps>(
    task: Task<Input, Output, ChildDeps>,
    ...[input, options]: EnqueueArguments<Input, EnqueueOptions>
  ): Promise<TaskHandle<Output>> {
    const child = this.#host.enqueueChild(
      this.#delivery,
      task as unknown as AnyTask,
      input,
      options === undefined ? NO_OPTIONS : options,
    )
    return child as Promise<TaskHandle<Output>>
  }

  /** Runs the handler; resolves with what shall become of the task, never rejects. */
  run(): Promise<Outcome> {
    const outcome = this.#begin()
    // What a handler has answered by now cannot run out of time: nothing is set up to wait for it.
    if (!(outcome instanceof Promise)) {
      this.#decided = true
      return Promise.resolve(outcome)
    }
    this.#handlerRunning = true
    this.#armTimeout()
    return new Promise((resolve) => {
      this.#decide = resolve
      void outcome.then((late) => {
        this.#handlerRunning = false
        if (this.#decided) this.#host.zombies(-1)
        else this.#settle(late)
      })
    })
  }

  /** Aborts the handler's signal. A handler that has not ended within the grace is settled without it. */
  interrupt(why: Interruption, error: InfraError): void {
    if (this.#decided) return
    if (this.#interrupted !== undefined) {
      // What is handed back and then cancelled must not run elsewhere.
      if (this.#interrupted.why === 'shutdown' && why === 'cancelled') this.#interrupted = { why, error }
      return
    }
    this.#interrupted = { why, error }
    this.#timer?.()
    this.#timer = undefined
    this.#controller?.abort(error)
    if (why === 'lost') this.force()
    else if (why !== 'shutdown') this.#timer = this.#host.clock.after(this.#host.graceMs, () => this.force())
  }

  /** Settles an interrupted attempt now, whether its handler has ended or not. */
  force(): void {
    const interrupted = this.#interrupted
    if (this.#decided || interrupted === undefined) return
    if (this.#handlerRunning) this.#host.zombies(1)
    this.#settle(this.#afterInterruption(interrupted))
  }

  #settle(outcome: Outcome): void {
    this.#decided = true
    this.#timer?.()
    this.#decide?.(outcome)
  }

  #armTimeout(): void {
    const { timeoutMs, name } = this.#definition
    if (timeoutMs === undefined) return
    this.#timer = this.#host.clock.after(timeoutMs, () => {
      this.interrupt('timeout', new TaskTimeoutError(`Task "${name}" ran longer than its timeout of ${timeoutMs} ms.`))
    })
  }

  /** Goes as far as it can without waiting: every wait costs a task a turn. */
  #begin(): Outcome | Promise<Outcome> {
    try {
      const input = currentInput(this.#definition, this.#delivery.message)
      return input instanceof Promise ? this.#beginLate(input) : this.#execute(input)
    } catch (error) {
      return this.#unfit(error)
    }
  }

  async #beginLate(parsed: Promise<unknown>): Promise<Outcome> {
    let input: unknown
    try {
      input = await parsed
    } catch (error) {
      return this.#unfit(error)
    }
    return this.#execute(input)
  }

  #unfit(error: unknown): Outcome {
    if (!(error instanceof InvalidInputError)) return this.#ended(error)
    return { kind: 'dead', reason: 'invalid-payload', failure: describeFailure(error) }
  }

  #execute(input: unknown): Outcome | Promise<Outcome> {
    let output: unknown
    try {
      output = this.#call(input)
    } catch (thrown) {
      return this.#ended(thrown)
    }
    return isThenable(output) ? this.#answeredLate(output) : this.#answered(output)
  }

  async #answeredLate(answer: PromiseLike<unknown>): Promise<Outcome> {
    let output: unknown
    try {
      output = await answer
    } catch (thrown) {
      return this.#ended(thrown)
    }
    return this.#answered(output)
  }

  #answered(output: unknown): Outcome | Promise<Outcome> {
    try {
      const parsed = this.#definition.parseOutput(output)
      return parsed instanceof Promise ? this.#checkedLate(parsed) : this.#completed(parsed)
    } catch (error) {
      return uselessResult(error)
    }
  }

  async #checkedLate(parsed: Promise<unknown>): Promise<Outcome> {
    try {
      return this.#completed(await parsed)
    } catch (error) {
      return uselessResult(error)
    }
  }

  #completed(output: unknown): Outcome {
    const result = encodeResult(this.#definition, output, this.#host.largestResultBytes)
    return result === undefined ? COMPLETED : { kind: 'completed', result }
  }

  #call(input: unknown): unknown {
    const { run } = this.#definition
    if (run === undefined) throw new NonRetryableError(`Task "${this.task}" has no handler here.`)
    if (this.#host.chain === undefined) return run(input as never, this)
    const context = this as TaskContext
    return this.#host.chain({ input, context, message: this.#delivery.message }, () => run(input as never, this))
  }

  #ended(thrown: unknown): Outcome {
    return this.#interrupted === undefined
      ? thrownOutcome(thrown, this.#definition, this)
      : this.#afterInterruption(this.#interrupted, thrown)
  }

  #afterInterruption({ why, error }: { why: Interruption; error: InfraError }, thrown?: unknown): Outcome {
    switch (why) {
      case 'timeout':
        return thrownOutcome(error, this.#definition, this)
      case 'cancelled':
        return { kind: 'cancelled', reason: error.message }
      default:
        return thrown instanceof Snooze ? { kind: 'later', delayMs: thrown.delayMs } : { kind: 'released' }
    }
  }
}

const COMPLETED: Outcome = { kind: 'completed', result: undefined }

/** The work is done: running it again would do it twice, and its result would fit no better. */
function uselessResult(error: unknown): Outcome {
  return { kind: 'dead', reason: 'non-retryable', failure: describeFailure(error) }
}
