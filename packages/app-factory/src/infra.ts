import type {
  CloseReport,
  ComponentReport,
  ComponentTransition,
  HealthKind,
  HealthView,
  InfraHost,
  InfraPhase,
  Intake,
} from '@plinth/core'
import { BackendUnavailableError, InfraError } from '@plinth/core'
import { closeInPhases } from './close-in-phases.js'
import { healthResponse } from './health-routes.js'
import { healthView } from './health-view.js'
import type { Supervisor } from './supervisor.js'
import type { TrackedWork } from './tracked-work.js'
import type { TransitionFeed } from './transition-feed.js'

/** What every infra can do, whatever components it carries. */
export interface InfraBase extends InfraHost, AsyncDisposable {
  /** Calls `listener` at every transition of a component; the answer takes it off again. A listener that throws is logged. */
  onTransition(listener: (transition: ComponentTransition) => void): () => void
  /** Resolves when the named component (or every one that is on) is healthy; rejects after `timeoutMs` (default 30,000) or when `signal` aborts. */
  whenHealthy(name?: string, options?: WhenHealthyOptions): Promise<void>
}

/** Options of {@link InfraBase.whenHealthy}. */
export interface WhenHealthyOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Answers a Web request, or `undefined` when the path is not its own. */
export type WebHandler = (request: Request) => Promise<Response | undefined>

/** What {@link RunningInfra} is made of. */
export interface RunningInfraOptions {
  /** In the order in which they were started. */
  readonly supervisors: readonly Supervisor[]
  readonly transitions: TransitionFeed
  readonly handlers: readonly WebHandler[]
  readonly tracked: TrackedWork
  readonly closeConnections: () => Promise<void>
  readonly drainDelayMs: number
  readonly closeDeadlineMs: number
  readonly healthDetails: boolean
}

/** The whole while it runs: health from memory, the Web-standard side door, and the way down. */
export class RunningInfra implements InfraBase {
  readonly #options: RunningInfraOptions
  readonly #intakes = new Set<Intake>()
  #phase: InfraPhase = 'starting'
  #closing: Promise<CloseReport> | undefined

  constructor(options: RunningInfraOptions) {
    this.#options = options
  }

  get phase(): InfraPhase {
    return this.#phase
  }

  /** Marks the end of the start. */
  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running'
  }

  status(): Readonly<Record<string, ComponentReport>> {
    return Object.fromEntries(this.#options.supervisors.map((supervisor) => [supervisor.part.name, supervisor.report]))
  }

  health(kind: HealthKind): HealthView {
    return healthView(kind, { phase: this.#phase, reports: this.status(), details: this.#options.healthDetails })
  }

  async fetch(request: Request): Promise<Response | undefined> {
    const health = healthResponse(request, (kind) => this.health(kind))
    if (health !== undefined) return health
    for (const handler of this.#options.handlers) {
      const response = await handler(request)
      if (response !== undefined) return response
    }
    return undefined
  }

  track<Result>(work: Promise<Result>): Promise<Result> {
    return this.#options.tracked.add(work)
  }

  addIntake(intake: Intake): () => void {
    if (this.#intakes.size === 0) {
      for (const { part } of this.#options.supervisors)
        if (part.selfTest !== undefined) void this.track(part.selfTest())
    }
    this.#intakes.add(intake)
    return () => this.#intakes.delete(intake)
  }

  onTransition(listener: (transition: ComponentTransition) => void): () => void {
    return this.#options.transitions.on(listener)
  }

  async whenHealthy(name?: string, options: WhenHealthyOptions = {}): Promise<void> {
    const { timeoutMs = 30_000, signal } = options
    const supervisors = this.#options.supervisors.filter(
      (supervisor) => name === undefined || supervisor.part.name === name,
    )
    if (supervisors.length === 0) {
      const names = this.#options.supervisors.map((supervisor) => supervisor.part.name).join(', ')
      throw new InfraError('UNKNOWN_COMPONENT', `There is no component "${name}". There are: ${names}.`)
    }
    const well = (): boolean =>
      supervisors.every(({ report }) => report.state === 'healthy' || report.state === 'disabled')
    if (well()) return
    if (this.#closing !== undefined) throw closing()
    await new Promise<void>((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer)
        off()
        signal?.removeEventListener('abort', onAbort)
        outcome()
      }
      const onAbort = (): void => settle(() => reject(signal?.reason))
      const off = this.onTransition(() => {
        if (well()) settle(resolve)
        else if (this.#closing !== undefined) settle(() => reject(closing()))
      })
      const timer = setTimeout(() => {
        const down = supervisors.filter(({ report }) => report.state !== 'healthy' && report.state !== 'disabled')
        const list = down.map(({ report }) => `${report.name} is ${report.state}`).join(', ')
        const error = new BackendUnavailableError(`Not healthy within ${timeoutMs} ms: ${list}.`, {
          reason: 'deadline',
        })
        settle(() => reject(error))
      }, timeoutMs)
      timer.unref()
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
    })
  }

  beginDrain(): void {
    if (this.#phase === 'starting' || this.#phase === 'running') this.#phase = 'draining'
  }

  close(options: { readonly deadlineMs?: number } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(options.deadlineMs ?? this.#options.closeDeadlineMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(deadlineMs: number): Promise<CloseReport> {
    this.beginDrain()
    const { supervisors, closeConnections, drainDelayMs } = this.#options
    for (const supervisor of supervisors) supervisor.stop() // what goes away from here on is no outage
    const report = await closeInPhases({
      deadlineMs,
      // Nobody balances load onto an app that serves nothing.
      drainDelayMs: this.#intakes.size > 0 ? drainDelayMs : 0,
      intakes: [...this.#intakes],
      tracked: this.#options.tracked,
      parts: supervisors.filter((supervisor) => supervisor.part.enabled).map((supervisor) => supervisor.part),
      closeConnections,
    })
    for (const supervisor of supervisors) supervisor.lifecycle.move('stopped')
    this.#phase = 'stopped'
    return report
  }
}

function closing(): BackendUnavailableError {
  return new BackendUnavailableError('The app is closing; it will not be healthy again.', { reason: 'closed' })
}
