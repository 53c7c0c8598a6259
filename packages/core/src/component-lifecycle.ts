import { channel } from 'node:diagnostics_channel'
import { type Clock, systemClock } from './clock.js'
import type { ComponentReason, ComponentReport, ComponentState, ComponentTransition } from './component-state.js'
import { type Logger, silentLogger } from './logger.js'

/** What a {@link ComponentLifecycle} is about, and who listens. */
export interface ComponentLifecycleOptions {
  readonly name: string
  readonly required: boolean
  readonly backend?: string
  readonly target?: string
  readonly clock?: Clock
  readonly logger?: Logger
  /** Called at every transition, after the state has changed and the line is written. */
  readonly onTransition?: (transition: ComponentTransition) => void
}

/** Why a component moves: the word for people, and the error (sanitised) for the log. */
export interface MoveCause {
  readonly reason: ComponentReason
  readonly error?: Error
}

const NEXT: Readonly<Record<ComponentState, readonly ComponentState[]>> = {
  disabled: [],
  starting: ['healthy', 'degraded', 'failed', 'stopping'],
  healthy: ['degraded', 'failed', 'stopping'],
  degraded: ['healthy', 'failed', 'stopping'],
  failed: ['healthy', 'degraded', 'stopping'],
  stopping: ['stopped'],
  stopped: [],
}

const STILL_DOWN_MS = 60_000

/**
 * Keeps one component's state: only allowed steps, one log line for each, and every step told to
 * `plinth:component:transition` (a diagnostics channel).
 *
 * Failures while it is down are counted, not logged; at most one "still down" line is written per minute.
 */
export class ComponentLifecycle {
  readonly #options: ComponentLifecycleOptions
  readonly #clock: Clock
  readonly #logger: Logger
  #report: ComponentReport
  #downSince: number | undefined
  #suppressed = 0
  #lastLine = 0

  constructor(options: ComponentLifecycleOptions, initial: 'disabled' | 'starting' = 'starting') {
    const { name, required, backend, target } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#report = {
      name,
      state: initial,
      required,
      since: this.#clock.now(),
      ...(backend === undefined ? {} : { backend }),
      ...(target === undefined ? {} : { target }),
    }
  }

  /** What is known now, from memory. */
  get report(): ComponentReport {
    return this.#report
  }

  /** Where it stands now. */
  get state(): ComponentState {
    return this.#report.state
  }

  /** Moves to `to`, if that step exists (a late event after `stopping` changes nothing); answers whether it moved. */
  move(to: ComponentState, cause?: MoveCause): boolean {
    const from = this.#report.state
    if (!NEXT[from].includes(to)) return false
    const { reason: _, ...kept } = this.#report
    this.#report = {
      ...kept,
      state: to,
      since: this.#clock.now(),
      ...(cause === undefined ? {} : { reason: cause.reason }),
      ...(from === 'starting' && to !== 'stopping' ? { startMs: this.#clock.now() - this.#report.since } : {}),
    }
    const down = to === 'degraded' || to === 'failed'
    const transition: ComponentTransition = {
      component: this.#report.name,
      from,
      to,
      ...(cause === undefined ? {} : { reason: cause.reason }),
      downForMs: to === 'healthy' && this.#downSince !== undefined ? this.#clock.elapsed() - this.#downSince : 0,
      suppressed: this.#suppressed,
    }
    if (down) this.#downSince ??= this.#clock.elapsed()
    else this.#downSince = undefined
    this.#suppressed = 0
    this.#write(transition, cause?.error)
    channel('plinth:component:transition').publish(transition)
    this.#options.onTransition?.(transition)
    return true
  }

  /** Counts one more failure of a component that is down. */
  failure(cause: MoveCause): void {
    this.#suppressed++
    if (this.#downSince === undefined || this.#clock.elapsed() - this.#lastLine < STILL_DOWN_MS) return
    this.#lastLine = this.#clock.elapsed()
    this.#logger.warn(
      { ...this.#facts(cause.error), downForMs: this.#downForMs(), suppressed: this.#suppressed },
      'still down',
    )
    this.#suppressed = 0
  }

  #downForMs(): number {
    return this.#downSince === undefined ? 0 : Math.round(this.#clock.elapsed() - this.#downSince)
  }

  #facts(error?: Error): Record<string, unknown> {
    const { name, state, backend, target, reason } = this.#report
    return { component: name, state, backend, target, reason, ...(error === undefined ? {} : { error: error.message }) }
  }

  #write({ from, to, downForMs, suppressed }: ComponentTransition, error?: Error): void {
    this.#lastLine = this.#clock.elapsed()
    const facts = { ...this.#facts(error), from }
    const { name, backend } = this.#report
    const what = backend === undefined ? name : `${name} (${backend})`
    if (to === 'degraded')
      this.#logger.warn(facts, `${what} is degraded: the app serves without it and keeps connecting`)
    else if (to === 'failed') this.#logger.error(facts, `${what} failed: it needs a change of configuration`)
    else if (to === 'healthy' && from !== 'starting')
      this.#logger.info({ ...facts, downForMs: Math.round(downForMs), suppressed }, `${what} is back`)
    else this.#logger.debug(facts, `${what} is ${to}`)
  }
}
