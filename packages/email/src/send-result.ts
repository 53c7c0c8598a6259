/** What became of one address. */
export interface RecipientOutcome {
  readonly address: string
  /**
   * - `accepted`: the transport took the message for it.
   * - `delayed`: taken, and the provider said that delivery may take longer.
   * - `intercepted`: replaced by the address that catches all mail.
   * - `not-allowed`: left out, because it is not on the allow-list.
   * - `suppressed`: left out, because it bounced before or asked for no more mail.
   * - `invalid`: refused by the other side for this address alone.
   */
  readonly outcome: 'accepted' | 'delayed' | 'intercepted' | 'not-allowed' | 'suppressed' | 'invalid'
}

/** Why nothing was sent, although nothing went wrong. */
export type SkipReason = 'disabled' | 'suppressed' | 'duplicate' | 'not-allow-listed'

/** The transport took the message for every recipient. */
export interface SentResult {
  readonly status: 'sent'
  /** The transport's id of the message; webhooks carry it. */
  readonly id: string
  readonly recipients: readonly RecipientOutcome[]
  /** True when the idempotency store was away: repeats were then kept out within this process only. */
  readonly degraded?: true
}

/** The transport took the message for some of its recipients; `recipients` says for which. */
export interface PartialResult {
  readonly status: 'partial'
  readonly id: string
  readonly recipients: readonly RecipientOutcome[]
  readonly degraded?: true
}

/** The message waits in the queue; a worker sends it. */
export interface QueuedResult {
  readonly status: 'queued'
  readonly jobId: string
}

/** Nothing was sent, on purpose. */
export interface SkippedResult {
  readonly status: 'skipped'
  readonly reason: SkipReason
  /** For a duplicate, the id of the message that was sent under the same key, when known. */
  readonly id?: string | undefined
  readonly recipients?: readonly RecipientOutcome[]
}

/** Every way in which a send can end without an error. */
export type SendResult = SentResult | PartialResult | QueuedResult | SkippedResult

/** What a transport, or a worker that took a message from the queue, can answer. */
export type DeliveryResult = SentResult | PartialResult | SkippedResult
