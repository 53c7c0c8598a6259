import { type EventPoint, eventPoint, type TracePoint, tracePoint } from '@plinth/core'
import type { DecisionOutcome, DegradedReason } from './decision.js'

/** What every event names. Never the subject: it may be a person's address. */
interface EventSource {
  readonly backend: string
  readonly policy: string
  readonly tier: string | undefined
}

/** A call was refused. */
export interface DeniedEvent extends EventSource {
  readonly outcome: Exclude<DecisionOutcome, 'admitted'>
  /** The names of the limits that refused. */
  readonly violated: readonly string[]
  readonly retryAfterMs: number
  readonly degraded: boolean
  /** Whether the answer was remembered: the backend was not asked. */
  readonly remembered: boolean
}

/** A limit reached four fifths of its quota, or a limit that only watches would have refused. */
export interface LimitEvent extends EventSource {
  readonly limit: string
  readonly quota: number
  readonly remaining: number
}

/** The backend went away, or came back. */
export interface OutageEvent {
  readonly backend: string
  readonly reason: DegradedReason
}

/** A question to the backend, from its start to its end. */
export interface AskContext extends EventSource {
  /** How many limits were decided together. */
  readonly limits: number
}

/** `plinth:rate-limit:denied`: publishes a {@link DeniedEvent} for every refusal. */
export const deniedEvents: EventPoint<DeniedEvent> = eventPoint('plinth:rate-limit:denied')

/** `plinth:rate-limit:near-limit`: publishes a {@link LimitEvent} when a limit passes four fifths of its quota. */
export const nearLimitEvents: EventPoint<LimitEvent> = eventPoint('plinth:rate-limit:near-limit')

/** `plinth:rate-limit:shadow-denied`: publishes a {@link LimitEvent} when a limit that only watches would have refused. */
export const shadowDeniedEvents: EventPoint<LimitEvent> = eventPoint('plinth:rate-limit:shadow-denied')

/** `plinth:rate-limit:degraded`: publishes an {@link OutageEvent} once for each outage. */
export const degradedEvents: EventPoint<OutageEvent> = eventPoint('plinth:rate-limit:degraded')

/** `plinth:rate-limit:recovered`: publishes an {@link OutageEvent} once the backend answers again. */
export const recoveredEvents: EventPoint<OutageEvent> = eventPoint('plinth:rate-limit:recovered')

/** `plinth:rate-limit:ask`: traces every question to the backend as an {@link AskContext}. */
export const askTraces: TracePoint<AskContext> = tracePoint('plinth:rate-limit:ask')
