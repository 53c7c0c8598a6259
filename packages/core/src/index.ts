export { type Assembly, assemble, type Own } from './assemble.js'
export type { AvailabilityChange, CallOptions } from './availability.js'
export { type Clock, systemClock } from './clock.js'
export type { Closable } from './closable.js'
export { ComponentLifecycle, type ComponentLifecycleOptions, type MoveCause } from './component-lifecycle.js'
export type { ComponentReason, ComponentReport, ComponentState, ComponentTransition } from './component-state.js'
export {
  BackendUnavailableError,
  InfraError,
  type InfraErrorOptions,
  MisconfiguredError,
  MissingDependencyError,
  type UnavailableReason,
} from './infra-error.js'
export type { CloseReport, CloseStep, HealthKind, HealthView, InfraHost, InfraPhase, Intake } from './infra-host.js'
export { type Logger, type LogLine, silentLogger } from './logger.js'
export { type RunningUntilSignal, type RunUntilSignalOptions, runUntilSignal } from './run-until-signal.js'
