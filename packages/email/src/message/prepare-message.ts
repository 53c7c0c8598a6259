import { type AddressInput, type EmailAddress, parseAddress, parseRecipients, type Recipients } from './address.js'
import { type EmailAttachment, parseAttachments } from './attachment.js'
import { parseHeaders } from './header.js'
import type { LinkTracking, Message, MessageContent } from './message.js'
import { parseMetadata } from './metadata.js'
import { invalid, oneLine } from './plain-text.js'
import { unsubscribeHeaders } from './unsubscribe.js'

/** Where a message goes and what travels with it: all but its subject and body. */
export interface Envelope {
  readonly to: Recipients
  readonly cc?: Recipients | undefined
  readonly bcc?: Recipients | undefined
  /** Overrides the mailer's sender. */
  readonly from?: AddressInput | undefined
  /** Overrides the mailer's reply address. */
  readonly replyTo?: Recipients | undefined
  /** Extra headers; those the message decides itself (`To`, `Subject`, `Content-*`, …) are refused. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly attachments?: readonly EmailAttachment[] | undefined
  /** Pairs that come back with the message's webhooks: at most 9 keys of 20 characters, values of 80. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** A category for statistics. Default: the template's name. */
  readonly tag?: string | undefined
  /** Whether the provider counts opens. */
  readonly trackOpens?: boolean | undefined
  /** Which links the provider rewrites to count clicks. */
  readonly trackLinks?: LinkTracking | undefined
  /** An https address where the recipient opts out: shown by templates, and set as List-Unsubscribe with one-click POST (RFC 8058). */
  readonly unsubscribeUrl?: string | undefined
}

/** What the mailer says where the envelope is silent. */
export interface EnvelopeDefaults {
  readonly from: EmailAddress
  readonly replyTo?: Recipients | undefined
  readonly stream?: string | undefined
  readonly trackOpens?: boolean | undefined
  readonly trackLinks?: LinkTracking | undefined
  readonly template?: string | undefined
}

const RECIPIENT_LIMIT = 50
const STREAM = /^[a-z][a-z0-9_-]{0,63}$/

/**
 * Checks every part of a message and gives it ready for a transport.
 *
 * @throws EmailError of kind `invalid` or `payload-too-large`.
 */
export function prepareMessage(envelope: Envelope, content: MessageContent, defaults: EnvelopeDefaults): Message {
  const to = parseRecipients(envelope.to, 'to')
  const cc = parseRecipients(envelope.cc, 'cc')
  const bcc = parseRecipients(envelope.bcc, 'bcc')
  if (to.length === 0) throw invalid('to', 'must name at least one recipient')
  if (to.length + cc.length + bcc.length > RECIPIENT_LIMIT) {
    throw invalid('to, cc and bcc', `must not name more than ${RECIPIENT_LIMIT} recipients together; use sendMany`)
  }
  const tag = envelope.tag ?? defaults.template
  return Object.freeze({
    from: envelope.from === undefined ? defaults.from : parseAddress(envelope.from, 'from'),
    to,
    cc,
    bcc,
    replyTo: parseRecipients(envelope.replyTo ?? defaults.replyTo, 'replyTo'),
    content: checkContent(content),
    headers: parseHeaders(envelope.headers),
    unsubscribeUrl: checkUnsubscribe(envelope.unsubscribeUrl),
    attachments: parseAttachments(envelope.attachments),
    metadata: parseMetadata(envelope.metadata),
    tag: tag === undefined ? undefined : oneLine(tag, 'tag', 1000),
    stream: checkStream(defaults.stream),
    trackOpens: envelope.trackOpens ?? defaults.trackOpens,
    trackLinks: envelope.trackLinks ?? defaults.trackLinks,
    template: defaults.template,
  })
}

function checkUnsubscribe(url: string | undefined): string | undefined {
  if (url !== undefined) unsubscribeHeaders(url)
  return url
}

function checkContent(content: MessageContent): MessageContent {
  if (content.kind === 'provider') return content
  const subject = oneLine(content.subject, 'subject', 2000)
  if (typeof content.text !== 'string') throw invalid('text', 'must be text')
  if (content.html !== undefined && typeof content.html !== 'string') throw invalid('html', 'must be text')
  if (content.text === '' && (content.html ?? '') === '') throw invalid('text', 'or html must not be empty')
  return Object.freeze({ kind: 'rendered', subject, html: content.html, text: content.text })
}

function checkStream(stream: string | undefined): string | undefined {
  if (stream !== undefined && !STREAM.test(stream)) throw invalid('stream', 'must be the id of a message stream')
  return stream
}
