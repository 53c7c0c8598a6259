/** Where a component stands. `degraded` serves its fallback and keeps connecting; `failed` needs a person. */
export type ComponentState = 'disabled' | 'starting' | 'healthy' | 'degraded' | 'failed' | 'stopping' | 'stopped'

/** What is known about one component, from memory. Safe to log: no credentials, no driver text. */
export interface ComponentReport {
  readonly name: string
  readonly state: ComponentState
  /** The chosen backend, broker or transport, such as `redis`; absent when disabled. */
  readonly backend?: string
  /** Where it points to, such as `127.0.0.1:6379/0`; absent for what lives in the process. */
  readonly target?: string
  /** Whether start and readiness depend on it. */
  readonly required: boolean
  /** Why it is not healthy, as one of few words: never driver text. */
  readonly reason?: ComponentReason
  /** Milliseconds since the epoch when it entered this state. */
  readonly since: number
  /** How long its start took, in milliseconds. */
  readonly startMs?: number
}

/** Why a component is not healthy. */
export type ComponentReason = 'outage' | 'misconfigured' | 'timeout' | 'bug' | 'not-started'

/** One step of a component from state to state. */
export interface ComponentTransition {
  readonly component: string
  readonly from: ComponentState
  readonly to: ComponentState
  readonly reason?: ComponentReason
  /** On recovery, how long it was away, in milliseconds; otherwise 0. */
  readonly downForMs: number
  /** How many failures passed without a line of their own since the last transition. */
  readonly suppressed: number
}
