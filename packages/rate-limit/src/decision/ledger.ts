import type { Correction, RateLimitBackend } from '../rate-limit-backend.js'
import type { DegradedReason } from './decision.js'
import { degradedReasonOf } from './degraded-reason.js'
import { SlotKeeper } from './slot-keeper.js'

/** What a {@link Ledger} works with. */
export interface LedgerOptions {
  readonly backend: RateLimitBackend
  readonly deadlineMs: number
  /** A correction was lost because the backend is away. */
  readonly onOutage: (reason: DegradedReason, error: unknown) => void
  /** A renewal failed for another reason than an outage. */
  readonly onBug: (error: unknown) => void
  /** Something was given back to these subjects. */
  readonly onGivenBack: (subject: string) => void
}

/** Carries out the corrections of decisions that one backend made, and keeps their slots. */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #keeper: SlotKeeper

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#keeper = new SlotKeeper((slots) => void this.correct(slots).catch(options.onBug))
  }

  /** Corrects what was charged. Does not reject for an outage: what could not be given back returns with time. */
  async correct(corrections: readonly Correction[]): Promise<void> {
    if (corrections.length === 0) return
    const { backend, deadlineMs, onOutage, onGivenBack } = this.#options
    try {
      await backend.adjust(corrections, { deadlineMs })
    } catch (error) {
      const reason = degradedReasonOf(error)
      if (reason === undefined) throw error
      onOutage(reason, error)
    } finally {
      for (const { by, subject } of corrections) if (by < 0) onGivenBack(subject)
    }
  }

  /** Keeps slots renewed until they are let go. */
  hold(slots: readonly Correction[]): void {
    this.#keeper.hold(slots)
  }

  letGo(slots: readonly Correction[]): void {
    this.#keeper.letGo(slots)
  }

  close(): void {
    this.#keeper.close()
  }
}
