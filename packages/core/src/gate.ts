import type { CallOptions } from './availability.js'
import { Breaker, type BreakerOptions } from './breaker.js'
import { type Clock, systemClock } from './clock.js'
import { type WaitOptions, waitFor, withDeadline } from './deadline.js'
import { DeadlineLine } from './deadline-line.js'
import { classifyFault } from './faults/classify-fault.js'
import { BackendUnavailableError, InfraError } from './infra-error.js'
import { type ErrorSubject, toInfraError } from './to-infra-error.js'

/** What a {@link Gate} needs to know of the backend behind it. */
export interface GateOptions extends ErrorSubject {
  /** How long a call may take unless it says otherwise. Default 1000. */
  readonly deadlineMs?: number
  readonly breaker?: BreakerOptions
  /** How long a probe may take before the connection counts as dead. Default 1200. */
  readonly probeDeadlineMs?: number
  /** Asks the backend whether it is well, by every means that made the connection count as ready. */
  readonly probe: () => Promise<void>
  /** A probe got no answer at all: the connection should be made anew. */
  readonly onDead: () => void
  /** {@link Gate.available} may have changed. */
  readonly onChange: () => void
  readonly clock?: Clock
}

/** How often a backend that answers has to be found unwell by {@link Gate.look}. */
const MOST_LOOKS = 3

/** For so many different deadlines calls share timers. */
const MOST_BOUNDS = 8

/** What a probe found out. */
interface Finding {
  readonly well: boolean
  readonly answered: boolean
  readonly error: Error | undefined
}

/**
 * The one door through which every call to a backend passes: it refuses at once while the backend is away, bounds each
 * call by a deadline, sorts every failure, and counts it (below any fail-open wrapper).
 *
 * When the breaker opens, a background probe tries at jittered intervals, so that no caller pays for finding out; it
 * closes again when a probe was answered within the deadline that calls missed.
 */
export class Gate {
  readonly #options: GateOptions
  readonly #breaker: Breaker
  readonly #clock: Clock
  readonly #deadlineMs: number
  readonly #bounds = new Map<number, WaitOptions>()
  readonly #onAnswer: () => void
  #connected = false
  #available = false
  #closed = false
  #error: Error | undefined
  #refusal: InfraError | undefined
  #missedDeadlineMs = Number.POSITIVE_INFINITY
  #probeTimer: NodeJS.Timeout | undefined
  #looking = false

  constructor(options: GateOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#breaker = new Breaker({ ...options.breaker, clock: this.#clock })
    this.#deadlineMs = options.deadlineMs ?? 1000
    this.#onAnswer = () => this.#breaker.success()
  }

  /** Whether a call would be let through now. */
  get available(): boolean {
    return this.#available
  }

  /** Whether the connection is there, whatever the breaker says. */
  get connected(): boolean {
    return this.#connected
  }

  /** Why it is not available, once something is known. */
  get error(): Error | undefined {
    return this.#error
  }

  /** The shortest answer that it waited for in vain since it was last available, in milliseconds; `Infinity` when it missed none. */
  get missedDeadlineMs(): number {
    return this.#missedDeadlineMs
  }

  /** The connection came (verified) or went. A fresh connection starts with a closed breaker. */
  setConnected(connected: boolean, error?: Error): void {
    if (this.#closed) return
    this.#connected = connected
    this.#stopProbing()
    if (connected) this.#breaker.reset()
    this.#refresh(connected ? undefined : error)
  }

  /** Refuses everything from now on. */
  close(): void {
    this.#closed = true
    this.#connected = false
    this.#stopProbing()
    for (const { line } of this.#bounds.values()) line?.disarm()
    this.#refresh(undefined)
  }

  /**
   * Asks the backend once although no call failed: what does not answer well within `deadlineMs` counts as away from then on.
   *
   * For one of several nodes whose neighbour went: that nobody asked it lately does not say that it is there.
   */
  async look(deadlineMs: number): Promise<void> {
    if (!this.#available || this.#looking) return
    this.#looking = true
    let found = await this.#ask(deadlineMs)
    // this process may have been the one that was busy
    for (let looks = 1; looks < MOST_LOOKS && found.answered && !found.well; looks += 1)
      found = await this.#ask(deadlineMs)
    this.#looking = false
    if (found.well || !this.#available) return
    if (deadlineMs < this.#missedDeadlineMs) this.#missedDeadlineMs = deadlineMs
    this.#breaker.trip()
    this.#refresh(found.error)
    this.#scheduleProbe()
  }

  /** Lets `call` through and answers what it answers. See {@link CallOptions}; the errors are those of a connection's `run`. */
  run<Result>(
    call: () => Promise<Result>,
    { deadlineMs = this.#deadlineMs, signal }: CallOptions = {},
  ): Promise<Result> {
    if (!this.#available) return Promise.reject(this.unavailable())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const bounds = this.#boundsOf(deadlineMs)
    try {
      return waitFor(call(), signal === undefined ? bounds : this.#boundedBy(signal, bounds))
    } catch (error) {
      return Promise.reject(this.#judge(error, deadlineMs))
    }
  }

  /** The error of a call that is refused without being made: the same one until something changes, for it may be asked for often. */
  unavailable(): InfraError {
    this.#refusal ??= this.#refuse()
    return this.#refusal
  }

  #refuse(): InfraError {
    const { label } = this.#options
    if (this.#closed) return new BackendUnavailableError(`${label} was closed.`, { reason: 'closed' })
    if (this.#connected) {
      return new BackendUnavailableError(`${label} failed too often and rests until a probe succeeds.`, {
        reason: 'open',
        cause: this.#error,
      })
    }
    if (this.#error instanceof InfraError) return this.#error
    return new BackendUnavailableError(`${label} is not connected yet.`, { reason: 'closed', cause: this.#error })
  }

  #deadlineError(deadlineMs: number): BackendUnavailableError {
    return new BackendUnavailableError(`${this.#options.label} did not answer within ${deadlineMs} ms.`, {
      reason: 'deadline',
    })
  }

  /** The bounds of calls with this deadline, made once for those that are asked for again and again. */
  #boundsOf(deadlineMs: number): WaitOptions {
    const known = this.#bounds.get(deadlineMs)
    if (known !== undefined) return known
    const bounds: WaitOptions = {
      deadlineMs,
      onDeadline: () => this.#deadlineError(deadlineMs),
      onAnswer: this.#onAnswer,
      judge: (error) => this.#judge(error, deadlineMs),
    }
    // the rest of somebody's time is another number each time
    if (!Number.isInteger(deadlineMs) || this.#bounds.size >= MOST_BOUNDS) return bounds
    const lined = { ...bounds, line: new DeadlineLine(deadlineMs) }
    this.#bounds.set(deadlineMs, lined)
    return lined
  }

  /** What the call itself makes of the signal is no failure either. */
  #boundedBy(signal: AbortSignal, bounds: WaitOptions): WaitOptions {
    const isAborted = (error: unknown): boolean => signal.aborted && error === signal.reason
    return { ...bounds, signal, judge: (error) => (isAborted(error) ? error : bounds.judge?.(error)) }
  }

  #judge(error: unknown, deadlineMs: number): unknown {
    if (error instanceof BackendUnavailableError && error.reason === 'deadline') this.#missedDeadlineMs = deadlineMs
    const { kind, rule } = classifyFault(error, this.#options.source)
    const fault = toInfraError(error, this.#options)
    if (kind === 'outage' && rule?.callOnly !== true) this.#count(fault)
    else this.#breaker.success()
    return fault
  }

  #count(fault: Error): void {
    if (!this.#breaker.failure() || !this.#connected || this.#closed) return
    this.#refresh(fault)
    this.#scheduleProbe()
  }

  #scheduleProbe(): void {
    this.#stopProbing()
    this.#probeTimer = setTimeout(() => void this.#probe(), this.#breaker.nextProbeMs()).unref()
  }

  #stopProbing(): void {
    clearTimeout(this.#probeTimer)
    this.#probeTimer = undefined
  }

  async #probe(): Promise<void> {
    const { well, answered, error } = await this.#ask(this.#missedDeadlineMs)
    if (error !== undefined) this.#error = error
    if (this.#closed || !this.#connected || !this.#breaker.open) return
    if (well) {
      this.#breaker.reset()
      this.#refresh(undefined)
      return
    }
    this.#scheduleProbe()
    if (!answered) this.#options.onDead()
  }

  /** Whether the backend says within `deadlineMs` that it is well, and whether it says anything at all. */
  async #ask(deadlineMs: number): Promise<Finding> {
    const began = this.#clock.elapsed()
    const { probeDeadlineMs = 1200, probe } = this.#options
    let answered = true
    const onDeadline = (): Error => {
      answered = false
      return this.#deadlineError(probeDeadlineMs)
    }
    try {
      await withDeadline(probe(), { deadlineMs: probeDeadlineMs, onDeadline })
      const well = this.#clock.elapsed() - began <= deadlineMs
      return { well, answered, error: well ? undefined : this.#deadlineError(deadlineMs) }
    } catch (error) {
      return { well: false, answered, error: toInfraError(error, this.#options) }
    }
  }

  #refresh(error: Error | undefined): void {
    this.#refusal = undefined
    this.#available = this.#connected && !this.#closed && !this.#breaker.open
    if (this.#available) {
      this.#error = undefined
      this.#missedDeadlineMs = Number.POSITIVE_INFINITY
    } else if (error !== undefined) this.#error = error
    this.#options.onChange()
  }
}
