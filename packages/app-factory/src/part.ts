import type { AvailabilityChange } from '@plinth/core'

/**
 * One component as the factory runs it, built-in or the user's.
 *
 * Steps that a part does not have are absent. Every step gets a signal that aborts at the end of its share of the deadline, and the share itself where it matters.
 */
export interface Part<Api = unknown> {
  readonly name: string
  readonly api: Api
  readonly enabled: boolean
  readonly required: boolean
  readonly backend?: string
  readonly target?: string
  readonly dependsOn?: readonly string[]
  /** Resolves when it is well for the first time; rejects with what stands in the way. */
  start?(signal: AbortSignal): Promise<void>
  /** Rejects when it is not well. Parts that {@link Part.watch} do not need it. */
  probe?(signal: AbortSignal): Promise<void>
  /** Tells at every change whether its backend is there; the answer stops the telling. */
  watch?(listener: (change: AvailabilityChange) => void): () => void
  /** The first intake takes work, so all that is mounted is mounted: looks at itself, and logs what nobody meant. Never rejects. */
  selfTest?(): Promise<void>
  stopIntake?(signal: AbortSignal): Promise<void>
  drain?(signal: AbortSignal, budgetMs: number): Promise<void>
  close?(signal: AbortSignal): Promise<void>
}
