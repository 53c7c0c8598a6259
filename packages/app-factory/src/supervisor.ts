import {
  BackendUnavailableError,
  ComponentLifecycle,
  type ComponentLifecycleOptions,
  type ComponentReport,
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
    if (outcome === 'late') {
      const late = new BackendUnavailableError(`no answer within ${budgetMs} ms`, { reason: 'deadline' })
      this.lifecycle.move('degraded', { reason: 'timeout', error: late })
      void attempt.then((cause) => this.#settle(cause))
      this.#watch()
      return { reason: 'timeout', error: late }
    }
    this.#settle(outcome)
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

  async #attempt(): Promise<MoveCause | undefined> {
    try {
      await this.part.start?.(this.#stop.signal)
      return undefined
    } catch (error) {
      return causeOf(error)
    }
  }

  #watch(): void {
    this.#unwatch ??= this.part.watch?.((change) => {
      if (change.available) void this.#recover()
      else this.#settle(change.error instanceof MisconfiguredError ? causeOf(change.error) : outage(change.error))
    })
  }

  #settle(cause: MoveCause | undefined): void {
    if (this.#stop.signal.aborted) return
    if (cause === undefined) {
      void this.#recover()
      return
    }
    this.#failures++
    const down = cause.reason === 'misconfigured' || cause.reason === 'bug' ? 'failed' : 'degraded'
    if (!this.lifecycle.move(down, cause)) this.lifecycle.failure(cause)
    this.#schedule()
  }

  async #recover(): Promise<void> {
    const { state, since } = this.lifecycle.report
    if (state === 'degraded' || state === 'failed') await this.#repair(Date.now() - since)
    this.#failures = 0
    this.lifecycle.move('healthy')
    this.#schedule()
  }

  async #repair(downForMs: number): Promise<void> {
    try {
      await this.part.recovered?.(downForMs)
    } catch (error) {
      this.lifecycle.failure(causeOf(error))
    }
  }

  /** Plans the next look: a probe while healthy; while down, a new start or probe after a full-jitter pause. Watched parts tell by themselves. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const look = this.part.probe ?? (this.lifecycle.state === 'healthy' ? undefined : this.part.start)
    if (look === undefined || this.part.watch !== undefined || this.#stop.signal.aborted) return
    const { everyMs, firstRetryMs, maxRetryMs } = this.#pace
    const pause =
      this.lifecycle.state === 'healthy'
        ? everyMs * (0.8 + Math.random() * 0.4)
        : Math.random() * Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(this.#failures, 10))
    this.#timer = setTimeout(() => void this.#look(look.bind(this.part)), pause)
    this.#timer.unref()
  }

  async #look(look: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await look(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(5000)]))
      this.#settle(undefined)
    } catch (error) {
      this.#settle(causeOf(error))
    }
  }
}

function outage(error: Error | undefined): MoveCause {
  return { reason: 'outage', ...(error === undefined ? {} : { error }) }
}
