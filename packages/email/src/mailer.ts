import type { Closable } from '@plinth/core'
import type { EmailError } from './email-error.js'
import type { EmailPriority, QueuedEmail } from './email-queue.js'
import type { MessageContent } from './message/message.js'
import type { Envelope } from './message/prepare-message.js'
import type { DeliveryResult, SendResult } from './send-result.js'
import type { EmailTemplate } from './templates/template.js'
import type { EmailEvent } from './webhooks/email-event.js'

/** A message made from a template. */
export interface TemplateMessage<Props> extends Envelope {
  readonly props: Props
}

/** A message written by hand: at least one of `text` and `html`; a missing text part is made from the HTML. */
export interface WrittenMessage extends Envelope {
  readonly subject: string
  readonly text?: string | undefined
  readonly html?: string | { toString(): string } | undefined
}

/** One message of many. */
export interface BulkMessage<Props> extends TemplateMessage<Props> {
  /** As {@link SendOptions.idempotencyKey}, for this message. */
  readonly idempotencyKey?: string | undefined
}

/** What every way of sending takes. */
export interface DeliveryOptions {
  /** The message stream, such as `outbound` or `broadcast`. Default: the template's, else the mailer's. */
  readonly stream?: string | undefined
  /** Whether the message waits in the queue for a worker instead of being sent now. */
  readonly queue?: boolean | undefined
  /** For a queued message. Default `normal`. */
  readonly priority?: EmailPriority | undefined
  /** For a queued message: how long it must wait at least, such as `'10m'`. */
  readonly delay?: number | string | undefined
  /** How long sending may take with all its retries. Default: the mailer's. */
  readonly timeout?: number | string | undefined
  /** Ends the wait. What was handed over already may still be sent. */
  readonly signal?: AbortSignal | undefined
}

/** How one message is to be sent. */
export interface SendOptions extends DeliveryOptions {
  /** Names this one message: a second send under the same key within a day sends nothing. At most 500 characters. */
  readonly idempotencyKey?: string | undefined
}

/** How many messages are to be sent. */
export interface SendManyOptions extends DeliveryOptions {
  /** Called after each part of the whole, with how many messages have a result. */
  readonly onProgress?: ((progress: BulkProgress) => void) | undefined
}

/** How far a bulk send is. */
export interface BulkProgress {
  readonly done: number
  readonly failed: number
}

/** What became of one message of many: as for a single one, and the error where that would have been thrown. */
export type BulkResult = SendResult | FailedResult

/** One message of many was not sent, or nobody can tell: the error says which. */
export interface FailedResult {
  readonly status: 'failed'
  readonly error: EmailError
}

/** Sends messages. `createMailer` makes one; `disabledMailer` answers `skipped` to everything. */
export interface Mailer extends Closable {
  /** The transport's name; `disabled` when there is none. */
  readonly transport: string
  /** Whether mail reaches people: false for the outbox, the console and a disabled mailer. Hide "reset by email" then. */
  readonly canDeliver: boolean

  /**
   * Sends one message made from a template.
   *
   * Answers what became of it; rejects with an `EmailError` when it was not sent, or when nobody can tell (`ambiguous`).
   * Retries by itself only what certainly was not sent.
   */
  send<Props>(
    template: EmailTemplate<Props>,
    message: TemplateMessage<NoInfer<Props>>,
    options?: SendOptions,
  ): Promise<SendResult>

  /** Sends one message written by hand, as {@link Mailer.send} does. */
  sendMessage(message: WrittenMessage, options?: SendOptions): Promise<SendResult>

  /**
   * Sends a template to many, each its own message with its own props: in as few requests as the transport can.
   * `messages` is read a part (500) at a time, so rows of a cursor never stand in memory all at once; when
   * reading fails the call rejects with that error, and the parts before are out: keys let you start again.
   *
   * The results stand in the order of the messages; one bad message never stops the others. `timeout` bounds each
   * request, not the whole.
   */
  sendMany<Props>(
    template: EmailTemplate<Props>,
    messages: Iterable<BulkMessage<NoInfer<Props>>> | AsyncIterable<BulkMessage<NoInfer<Props>>>,
    options?: SendManyOptions,
  ): Promise<readonly BulkResult[]>

  /** Renders a template as it would be sent: with its example, or the given props. */
  preview<Props>(template: EmailTemplate<Props>, props?: NoInfer<Props>): Promise<MessageContent>

  /**
   * Sends a message taken from the queue. For the worker's side of an `EmailQueue`.
   *
   * Rejects with a retryable `EmailError` when the job should be handed over again later, after `retryAfterMs` if given.
   */
  deliver(job: QueuedEmail, options?: { readonly signal?: AbortSignal | undefined }): Promise<DeliveryResult>

  /**
   * Takes in what the provider reports about a message: advances the send log and the suppression list.
   *
   * Answers false for a report it has seen before; otherwise `handle` is called last, and waited for. Rejects when
   * something could not be remembered or `handle` fails: the report then counts as not seen, and may come again.
   */
  report(event: EmailEvent, handle?: (event: EmailEvent) => unknown): Promise<boolean>

  /** Checks that the transport can be reached and takes our credentials. */
  verify(signal?: AbortSignal): Promise<void>

  /** Waits for sends under way, then closes the transport it was given. */
  close(): Promise<void>
}
