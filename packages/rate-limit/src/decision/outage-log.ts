import type { Clock, Logger } from '@plinth/core'
import type { DegradedReason } from './decision.js'
import { degradedEvents, recoveredEvents } from './limiter-events.js'

/** Tells of the backend's going and coming back, once each, however many calls notice. */
export class OutageLog {
  readonly #backend: string
  readonly #logger: Logger
  readonly #clock: Clock
  #reason: DegradedReason | undefined
  #since = 0
  #calls = 0

  constructor(backend: string, logger: Logger, clock: Clock) {
    this.#backend = backend
    this.#logger = logger
    this.#clock = clock
  }

  /** Whether the backend's last answer was none. */
  get isDown(): boolean {
    return this.#reason !== undefined
  }

  noteFailure(reason: DegradedReason, error: unknown): void {
    this.#calls += 1
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#since = this.#clock.elapsed()
    const message = 'rate limits are decided without their backend, each policy as its onOutage says'
    this.#logger.warn({ component: 'rate-limit', backend: this.#backend, reason, error }, message)
    degradedEvents.publish(() => ({ backend: this.#backend, reason }))
  }

  noteAnswer(): void {
    const reason = this.#reason
    if (reason === undefined) return
    const downForMs = Math.round(this.#clock.elapsed() - this.#since)
    const facts = { component: 'rate-limit', backend: this.#backend, downForMs, calls: this.#calls }
    this.#reason = undefined
    this.#calls = 0
    this.#logger.info(facts, 'rate limits are back on their backend')
    recoveredEvents.publish(() => ({ backend: this.#backend, reason }))
  }
}
