/** What a provider reports about one message and one recipient, in one form for all providers. */
export interface EmailEvent {
  readonly type: EmailEventType
  /** Names this report: the same report sent again has the same id. */
  readonly id: string
  /** The transport's id of the message. */
  readonly messageId: string
  readonly recipient: string
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number
  readonly stream: string
  readonly tag?: string | undefined
  /** The message's metadata, as the provider repeats it. Never decide who may do what by it. */
  readonly metadata: Readonly<Record<string, string>>
  /** Why, in one word, for `bounced`, `complained` and `unsubscribed`. */
  readonly reason?: EmailEventReason | undefined
  /** Whether the provider will send no more to this address. */
  readonly inactive?: boolean | undefined
  /** For `clicked`: the link. */
  readonly url?: string | undefined
}

/**
 * What happened.
 *
 * `deferred` is a bounce that may pass (a full mailbox), `resubscribed` an address that gets mail again.
 */
export type EmailEventType =
  | 'delivered'
  | 'opened'
  | 'clicked'
  | 'bounced'
  | 'deferred'
  | 'complained'
  | 'unsubscribed'
  | 'resubscribed'

/** Why a message did not arrive or is not wanted. */
export type EmailEventReason = 'invalid' | 'bounced' | 'blocked' | 'spam' | 'unsubscribed' | 'timed-out' | 'other'
