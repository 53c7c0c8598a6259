import type { Message as PostmarkClientMessage, TemplatedMessage } from 'postmark'
import { type EmailAddress, formatAddress } from '../../message/address.js'
import { headersOf, type LinkTracking, type Message } from '../../message/message.js'
import type { BatchItem } from '../../transport.js'

/** The metadata field that holds the idempotency key, so that a message can be looked up by it. */
export const KEY_FIELD = 'plinth-key'

/**
 * Gives a message as Postmark's API takes it: https://postmarkapp.com/developer/api/email-api
 *
 * The types are of the client's enums, so what is exact for the API is cast at the end.
 */
export function toPostmark({ message, key }: BatchItem): PostmarkClientMessage | TemplatedMessage {
  const { content } = message
  const metadata = key === undefined ? message.metadata : { ...message.metadata, [KEY_FIELD]: key }
  const body = {
    From: formatAddress(message.from),
    To: formatList(message.to),
    Cc: formatList(message.cc),
    Bcc: formatList(message.bcc),
    ReplyTo: formatList(message.replyTo),
    Tag: message.tag,
    MessageStream: message.stream,
    TrackOpens: message.trackOpens,
    TrackLinks: message.trackLinks === undefined ? undefined : LINK_TRACKING[message.trackLinks],
    Headers: headersOf(message).map(({ name, value }) => ({ Name: name, Value: value })),
    Attachments: attachmentsOf(message),
    Metadata: metadata,
    ...(content.kind === 'rendered'
      ? { Subject: content.subject, HtmlBody: content.html, TextBody: content.text }
      : { TemplateAlias: content.alias, TemplateModel: content.model }),
  }
  return body as unknown as PostmarkClientMessage | TemplatedMessage
}

const LINK_TRACKING: Readonly<Record<LinkTracking, string>> = {
  none: 'None',
  html: 'HtmlOnly',
  text: 'TextOnly',
  'html-and-text': 'HtmlAndText',
}

function formatList(addresses: readonly EmailAddress[]): string | undefined {
  return addresses.length === 0 ? undefined : addresses.map(formatAddress).join(', ')
}

function attachmentsOf(message: Message): readonly object[] | undefined {
  if (message.attachments.length === 0) return undefined
  return message.attachments.map(({ filename, content, contentType, contentId }) => ({
    Name: filename,
    Content: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64'),
    ContentType: contentType,
    ContentID: contentId === undefined ? undefined : `cid:${contentId}`,
  }))
}
