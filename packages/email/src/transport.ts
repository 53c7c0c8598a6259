import type { Closable } from '@plinth/core'
import type { EmailError } from './email-error.js'
import type { Message } from './message/message.js'
import type { RecipientOutcome } from './send-result.js'

/**
 * What carries a message to the outside, or keeps it where a person can look.
 *
 * A transport makes one attempt: retries, suppression and idempotency are the mailer's. It rejects with an
 * {@link EmailError} only, which says whether something may have been sent (`ambiguous`) and carries no secret.
 */
export interface EmailTransport extends Closable {
  /** Names it in results, logs and errors, such as `postmark`. */
  readonly name: string
  /** Whether what it accepts is on its way to people: false for the outbox and the console. */
  readonly delivers: boolean
  /** Where it sends to, such as `api.postmarkapp.com`, without credentials: safe for logs. */
  readonly target?: string | undefined

  /** Makes one attempt to send. Ends when `call.signal` fires. */
  send(message: Message, call: TransportCall): Promise<Delivery>
  /**
   * Makes one attempt to send many at once, answering item by item in their order.
   *
   * Rejects only when the whole was refused or nobody can tell. Absent when the transport sends one at a time.
   */
  readonly batch?: TransportBatch | undefined
  /** Looks for a message sent under an idempotency key. Absent when the other side cannot be asked. */
  readonly lookup?: TransportLookup | undefined
  /** Checks that the other side can be reached and takes our credentials. Absent when there is nothing to check. */
  verify?(signal: AbortSignal): Promise<void>
}

/** One attempt. */
export interface TransportCall {
  /** Fires when the attempt must end. */
  readonly signal: AbortSignal
  /** A key under which {@link TransportLookup} can find the message again: at most 64 letters, digits, `_` and `-`. */
  readonly key?: string | undefined
}

/** The transport took a message. */
export interface Delivery {
  readonly id: string
  /** One outcome for each recipient of the message: `accepted`, `delayed`, `suppressed` or `invalid`. */
  readonly recipients: readonly RecipientOutcome[]
}

/** One message of a batch with its key. */
export interface BatchItem {
  readonly message: Message
  readonly key?: string | undefined
}

/** Sends many messages in few requests. */
export interface TransportBatch {
  /** Cuts a list into runs, each of which one request can carry; every item is in exactly one, in order. */
  split(items: readonly BatchItem[]): readonly (readonly BatchItem[])[]
  /** Sends one run; the answers stand in its order. */
  send(items: readonly BatchItem[], signal: AbortSignal): Promise<readonly (Delivery | EmailError)[]>
}

/** Asks the other side about messages it was given. */
export interface TransportLookup {
  /** How long after an attempt its message is sure to be found, in milliseconds. */
  readonly settleMs: number
  /** The delivery that was made of `message` under `key`, or `undefined` when there was none. */
  find(key: string, message: Message, signal: AbortSignal): Promise<Delivery | undefined>
}
