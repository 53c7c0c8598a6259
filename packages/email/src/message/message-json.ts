import { EmailError } from '../email-error.js'
import type { EmailAddress } from './address.js'
import type { LinkTracking, Message, MessageContent } from './message.js'
import { prepareMessage } from './prepare-message.js'

/** A message as plain JSON: what a queue keeps and the outbox writes. */
export interface MessageJson {
  readonly from: EmailAddress
  readonly to: readonly EmailAddress[]
  readonly cc: readonly EmailAddress[]
  readonly bcc: readonly EmailAddress[]
  readonly replyTo: readonly EmailAddress[]
  readonly content: MessageContent
  readonly headers: Readonly<Record<string, string>>
  readonly attachments: readonly AttachmentJson[]
  readonly metadata: Readonly<Record<string, string>>
  readonly unsubscribeUrl?: string | undefined
  readonly tag?: string | undefined
  readonly stream?: string | undefined
  readonly trackOpens?: boolean | undefined
  readonly trackLinks?: LinkTracking | undefined
  readonly template?: string | undefined
}

/** An attachment as JSON, its bytes in base64. */
export interface AttachmentJson {
  readonly filename: string
  readonly contentType: string
  readonly contentId?: string | undefined
  readonly base64: string
}

/** Gives a message as JSON; {@link messageFromJson} gives it back. */
export function messageToJson(message: Message): MessageJson {
  return {
    ...message,
    headers: Object.fromEntries(message.headers.map(({ name, value }) => [name, value])),
    attachments: message.attachments.map(({ filename, contentType, contentId, content }) => ({
      filename,
      contentType,
      contentId,
      base64: Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64'),
    })),
  }
}

/**
 * Gives the message that a JSON form describes, with every part checked again: it has been out of our hands.
 *
 * @throws EmailError of kind `invalid` when it is not one.
 */
export function messageFromJson(json: MessageJson): Message {
  try {
    const attachments = json.attachments.map(({ base64, ...rest }) => ({
      ...rest,
      content: Buffer.from(base64, 'base64'),
    }))
    const { from, stream, template } = json
    return prepareMessage({ ...json, attachments }, json.content, { from, stream, template })
  } catch (error) {
    if (error instanceof EmailError) throw error
    throw new EmailError('invalid', 'The email was refused: what came back from the queue is not a message.', {
      cause: error,
    })
  }
}
