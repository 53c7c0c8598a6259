import type { EmailAddress } from './address.js'
import type { EmailAttachment } from './attachment.js'
import type { EmailHeader } from './header.js'
import { unsubscribeHeaders } from './unsubscribe.js'

/** Which links of a message the provider rewrites to count clicks. */
export type LinkTracking = 'none' | 'html' | 'text' | 'html-and-text'

/** What a recipient reads: rendered here, or rendered by the provider from a template it keeps. */
export type MessageContent = RenderedContent | ProviderContent

/** A subject and at least a text part. */
export interface RenderedContent {
  readonly kind: 'rendered'
  readonly subject: string
  readonly html?: string | undefined
  readonly text: string
}

/** The name of a template that the provider keeps, and the values to fill in. */
export interface ProviderContent {
  readonly kind: 'provider'
  readonly alias: string
  readonly model: Readonly<Record<string, unknown>>
}

/**
 * A message ready for a transport: rendered, and every part of it checked.
 *
 * Whoever holds one may rely on it: each address is one mailbox, no header-bound text has a line break, and nothing in it
 * came from parsing text that a user wrote.
 */
export interface Message {
  readonly from: EmailAddress
  readonly to: readonly EmailAddress[]
  readonly cc: readonly EmailAddress[]
  readonly bcc: readonly EmailAddress[]
  readonly replyTo: readonly EmailAddress[]
  readonly content: MessageContent
  /** The extra headers; {@link headersOf} gives them with those that follow from the rest. */
  readonly headers: readonly EmailHeader[]
  /** Where the recipient opts out. */
  readonly unsubscribeUrl?: string | undefined
  readonly attachments: readonly EmailAttachment[]
  readonly metadata: Readonly<Record<string, string>>
  /** A category for statistics; the template's name unless given. */
  readonly tag?: string | undefined
  /** The provider's stream, such as `outbound` or `broadcast`; absent is the transport's default. */
  readonly stream?: string | undefined
  readonly trackOpens?: boolean | undefined
  readonly trackLinks?: LinkTracking | undefined
  /** The name of the template it was made from; absent for a message written by hand. */
  readonly template?: string | undefined
}

/** Gives the subject, or for a provider's template the name of that template. */
export function subjectOf(message: Message): string {
  return message.content.kind === 'rendered' ? message.content.subject : `(template ${message.content.alias})`
}

/** Gives everyone the message goes to: to, cc and bcc. */
export function recipientsOf(message: Message): readonly EmailAddress[] {
  return [...message.to, ...message.cc, ...message.bcc]
}

/** Gives the headers a transport adds beside the usual ones: the extra ones, and the unsubscribe headers. */
export function headersOf(message: Message): readonly EmailHeader[] {
  return message.unsubscribeUrl === undefined
    ? message.headers
    : [...message.headers, ...unsubscribeHeaders(message.unsubscribeUrl)]
}
