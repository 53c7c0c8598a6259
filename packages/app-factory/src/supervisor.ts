import {
  BackendUnavailableError,
  ComponentLifecycle,
  type ComponentLifecycleOptions,
  type ComponentReport,
  deadlineSignal,
  MisconfiguredError,
  type MoveCause,
} from '@plinth/core'
import { causeOf } from './cause-of.js'
import type { Part } from './part.js'

/** Milliseconds between probes of a healthy part, and the bounds of the growing pause while it is down. */
export interface ProbePace {
  readonly everyMs: number
  readonly firstRetryMs: number
  readonly maxRetryMs: number
}

const DEFAULT_PACE: ProbePace = { everyMs: 15_000, firstRetryMs: 250, maxRetryMs: 30_000 }

/**
 * Runs one part: its start within a budget, its state from what its connection tells or its probe answers, and its return
 * after an outage. Its timers never keep the process alive.
 */
export class Supervisor {
  readonly part: Part
  readonly lifecycle: ComponentLifecycle
  readonly #pace: ProbePace
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #unwatch: (() => void) | undefined
  #failures = 0
  #hasStarted = false

  constructor(
    part: Part,
    options: Pick<ComponentLifecycleOptions, 'clock' | 'logger' | 'onTransition'>,
    pace: ProbePace = DEFAULT_PACE,
  ) {
    this.part = part
    this.#pace = pace
    const { name, required, backend, target, enabled } = part
    this.lifecycle = new ComponentLifecycle(
      { ...options, name, required, ...(backend && { backend }), ...(target && { target }) },
      enabled ? 'starting' : 'disabled',
    )
  }

  get report(): ComponentReport {
    return this.lifecycle.report
  }

  /**
   * Starts the part; answers what stands in the way, or `undefined` when it is well or merely slow.
   *
   * Never takes longer than `budgetMs`: what is not there by then is degraded and goes on connecting.
   */
  async start(budgetMs: number): Promise<MoveCause | undefined> {
    if (!this.part.enabled) return undefined
    const attempt = this.#attempt()
    let timer: NodeJS.Timeout | undefined
    const budget = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, budgetMs, 'late')
    })
    const outcome = await Promise.race([attempt, budget])
    clearTimeout(timer)
    if (this.#stop.signal.aborted) return undefined
    if (outcome === 'late') {
      const late = new BackendUnavailableError(`no answer within ${budgetMs} ms`, { reason: 'deadline' })
      this.lifecycle.move('degraded', { reason: 'timeout', error: late })
      void attempt.then((cause) => this.#settleStart(cause))
      this.#watch()
      return { reason: 'timeout', error: late }
    }
    this.#settleStart(outcome)
    this.#watch()
    return outcome
  }

  /** Ends supervision; the part itself is closed by whoever closes the whole. */
  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
    this.#unwatch?.()
    this.lifecycle.move('stopping')
  }

  /** Tries to start; a part that is not watched gets a bounded time, so that a start that hangs is tried again. */
  async #attempt(): Promise<MoveCause | undefined> {
    const start = this.part.start?.bind(this.part)
    if (start === undefined) return undefined
    try {
      if (this.part.watch === undefined) await this.#bounded(start, START_MS)
      else await start(this.#stop.signal)
      return undefined
    } catch (error) {
      return causeOf(error)
    }
  }

  #settleStart(cause: MoveCause | undefined): void {
    this.#hasStarted ||= cause === undefined
    this.#settle(cause)
  }

  #watch(): void {
    this.#unwatch ??= this.part.watch?.((change) => {
      if (change.available) this.#settle(undefined)
      else this.#settle(change.error instanceof MisconfiguredError ? causeOf(change.error) : outage(change.error))
    })
  }

  #settle(cause: MoveCause | undefined): void {
    if (this.#stop.signal.aborted) return
    if (cause === undefined) {
      this.#failures = 0
      this.lifecycle.move('healthy')
    } else {
      this.#failures++
      const down = cause.reason === 'misconfigured' || cause.reason === 'bug' ? 'failed' : 'degraded'
      if (!this.lifecycle.move(down, cause)) this.lifecycle.failure(cause)
    }
    this.#schedule()
  }

  /** Plans the next look: a probe while healthy; while down, a new start or probe after a full-jitter pause. Watched parts tell by themselves. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const { part } = this
    if (part.watch !== undefined || this.#stop.signal.aborted) return
    const isWell = this.lifecycle.state === 'healthy'
    const again = this.#hasStarted ? (part.probe ?? (isWell ? undefined : part.start)) : part.start
    if (again === undefined) return
    const { everyMs, firstRetryMs, maxRetryMs } = this.#pace
    const pause = isWell
      ? everyMs * (0.8 + Math.random() * 0.4)
      : Math.random() * Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10))
    this.#timer = setTimeout(() => void this.#look(again.bind(part)), pause)
    this.#timer.unref()
  }

  async #look(look: Step): Promise<void> {
    try {
      await this.#bounded(look, LOOK_MS)
      this.#settleStart(undefined)
    } catch (error) {
      this.#settle(causeOf(error))
    }
  }

  /** Runs a step that may not listen to its signal. */
  async #bounded(step: Step, budgetMs: number): Promise<void> {
    // `AbortSignal.timeout` would keep its timer for the whole budget, however soon the step is done
    const onDeadline = (): Error => new DOMException(`no answer within ${budgetMs} ms`, 'TimeoutError')
    const { signal, dispose } = deadlineSignal({ deadlineMs: budgetMs, signal: this.#stop.signal, onDeadline })
    signal.throwIfAborted()
    let giveUp: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
    })
    try {
      await Promise.race([step(signal), aborted])
    } finally {
      dispose()
      if (giveUp !== undefined) signal.removeEventListener('abort', giveUp)
    }
  }
}

type Step = (signal: AbortSignal) => Promise<void>

/** How long one probe, or one more start, may take. */
const LOOK_MS = 5000
/** How long the first start of a part may take in all, the time beyond the budget of the whole start included. */
const START_MS = 30_000

function outage(error: Error | undefined): MoveCause {
  return { reason: 'outage', ...(error === undefined ? {} : { error }) }
}
