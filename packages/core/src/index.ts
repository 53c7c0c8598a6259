export { type Assembly, assemble, type Own } from './assemble.js'
export type { AvailabilityChange, CallOptions, Readiness, ReadyOptions } from './availability.js'
export { AvailabilityFeed } from './availability-feed.js'
export { type BackoffOptions, fullJitter } from './backoff.js'
export { Breaker, type BreakerOptions } from './breaker.js'
export {
  type ChannelName,
  type ChannelSubject,
  type EventPoint,
  eventPoint,
  type TracePoint,
  tracePoint,
} from './channels.js'
export { type Clock, systemClock } from './clock.js'
export type { Closable } from './closable.js'
export { type CompleteHost, type ComponentHost, completeHost } from './component-host.js'
export { ComponentLifecycle, type ComponentLifecycleOptions, type MoveCause } from './component-lifecycle.js'
export type { ComponentReason, ComponentReport, ComponentState, ComponentTransition } from './component-state.js'
export { type DeadlineOptions, type DeadlineSignal, deadlineSignal, withDeadline } from './deadline.js'
export { type ClassifiedFault, classifyFault, type FaultSource, faultTable } from './faults/classify-fault.js'
export type { FaultKind, FaultRule } from './faults/fault.js'
export { Gate, type GateOptions } from './gate.js'
export { httpIntake } from './http-intake.js'
export {
  BackendUnavailableError,
  InfraError,
  type InfraErrorOptions,
  MisconfiguredError,
  MissingDependencyError,
  type UnavailableReason,
} from './infra-error.js'
export type { CloseReport, CloseStep, HealthKind, HealthView, InfraHost, InfraPhase, Intake } from './infra-host.js'
export { mayBeInfraPath } from './infra-path.js'
export { joinWrites } from './join-writes.js'
export { type Logger, type LogLine, silentLogger } from './logger.js'
export { sendWebResponse, webRequest } from './node-web.js'
export { type RunningUntilSignal, type RunUntilSignalOptions, runUntilSignal } from './run-until-signal.js'
export { redactText, type SanitizeOptions, sanitizeError } from './sanitize-error.js'
export { type ErrorSubject, toInfraError } from './to-infra-error.js'
