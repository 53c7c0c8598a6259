import type { Clock, Logger } from '@plinth/core'
import type { EmailQueue } from './email-queue.js'
import type { AddressInput, Recipients } from './message/address.js'
import type { LinkTracking } from './message/message.js'
import type { EmailStore } from './stores/email-store.js'
import type { SendLog } from './stores/send-log.js'
import type { SuppressionList } from './stores/suppression-list.js'
import type { EmailTransport } from './transport.js'

/** What a mailer is made of. */
export interface CreateMailerOptions {
  /** What carries the messages. It becomes the mailer's: closing the mailer closes it. */
  readonly transport: EmailTransport
  /** Who the mail comes from, unless a message says otherwise. */
  readonly from: AddressInput
  /** Where answers go. Default: to the sender. */
  readonly replyTo?: Recipients | undefined
  /** The message stream of templates and messages that name none. Default: the transport's. */
  readonly stream?: string | undefined
  /** How long one send may take with all its retries, such as `'30s'`. Default 30 s. */
  readonly timeout?: number | string | undefined
  /** How often to repeat what certainly was not sent and may succeed. Default 3. */
  readonly retries?: number | undefined
  /** Whether the provider counts opens, unless a message says otherwise. Default: the provider's own setting. */
  readonly trackOpens?: boolean | undefined
  /** Which links the provider rewrites to count clicks. Default: the provider's own setting. */
  readonly trackLinks?: LinkTracking | undefined
  /** What every template may use. */
  readonly variables?: MailerVariables | undefined

  /** Where queued sends wait. Default: none, and `queue: true` is refused; `direct`: none, and it is sent at once instead. */
  readonly queue?: EmailQueue | 'direct' | undefined
  /** Where idempotency keys, suppressed addresses and seen webhooks are kept. Default: in this process. */
  readonly store?: EmailStore | undefined
  /** Who gets no more mail. Default: a list in `store`. */
  readonly suppressions?: SuppressionList | undefined
  /** Where it is recorded what became of each message. Default: nowhere. */
  readonly sendLog?: SendLog | undefined

  /** Sends all mail to these instead, with the originals in `X-Original-To`: for staging. */
  readonly interceptTo?: Recipients | undefined
  /** The only addresses (`ada@example.com`) and domains (`@example.com`) that get mail; with `interceptTo`, those that get it themselves. */
  readonly allowList?: readonly string[] | undefined

  /** Hears of trouble that did not stop a send, such as a store that is away. Default: nobody. */
  readonly logger?: Logger | undefined
  readonly clock?: Clock | undefined
}

/** What a mailer tells every template. */
export interface MailerVariables {
  /** Default: the sender's name, else the domain of its address. */
  readonly companyName?: string | undefined
  /** The site's host. Default: the domain of the sender's address. */
  readonly domain?: string | undefined
}
