import type { ComponentReport } from './component-state.js'

/** The four questions a platform asks: is the process alive, ready for traffic, done starting, and what is the matter. */
export type HealthKind = 'live' | 'ready' | 'startup' | 'full'

/** An answer about health, from memory. */
export interface HealthView {
  /** `warn`: an optional component is degraded; the app serves. */
  readonly status: 'pass' | 'warn' | 'fail'
  /** 503 only for `fail`. */
  readonly httpStatus: 200 | 503
  /** Only for `full`, and only where configuration allows details. */
  readonly components?: Readonly<Record<string, ComponentReport>>
}

/** How far the whole is. Readiness is off from `draining` on. */
export type InfraPhase = 'starting' | 'running' | 'draining' | 'stopped'

/** What takes work in. */
export interface Intake {
  /** Names it in the {@link CloseReport}. */
  readonly name: string
  /** Takes nothing new and resolves when what it had accepted is done; when `signal` aborts, lets go at once. */
  stop(signal: AbortSignal): Promise<void>
}

/** How one part went down. */
export interface CloseStep {
  readonly name: string
  readonly outcome: 'closed' | 'timeout' | 'failed'
  readonly ms: number
}

/** How the whole went down. */
export interface CloseReport {
  /** Whether every step closed within its share of the deadline. */
  readonly clean: boolean
  readonly ms: number
  readonly steps: readonly CloseStep[]
}

/**
 * What an HTTP adapter needs of the whole: health, the Web-standard side door, and the way down.
 *
 * The app factory's `Infra` is one; adapters ask only for this (and the components they translate), so that they do not
 * depend on the factory.
 */
export interface InfraHost {
  readonly phase: InfraPhase
  /** Every component's report, from memory. */
  status(): Readonly<Record<string, ComponentReport>>
  health(kind: HealthKind): HealthView
  /** Answers health, webhook and mailbox paths; `undefined` for everything else. */
  fetch(request: Request): Promise<Response | undefined>
  /** Holds closing back until `work` has settled (within the deadline); answers `work`. */
  track<Result>(work: Promise<Result>): Promise<Result>
  /**
   * Registers what takes work in, such as an HTTP server; the answer takes it off again.
   *
   * Closing stops every intake after the drain delay and before components drain, so an accepted request still has them.
   */
  addIntake(intake: Intake): () => void
  /** Turns readiness off; keeps serving. Safe to call twice. */
  beginDrain(): void
  /** Drains and closes everything within the deadline. Safe to call twice. */
  close(options?: { readonly deadlineMs?: number }): Promise<CloseReport>
}
