import type { SendMailOptions } from 'nodemailer'
import { EmailError } from '../../email-error.js'
import { headersOf, type Message, recipientsOf } from '../../message/message.js'

/**
 * Gives a message as nodemailer takes it: addresses as objects, the envelope written out, no file or URL to be read.
 *
 * @throws EmailError of kind `config` for a template that a provider keeps.
 */
export function toSmtp(message: Message, key: string | undefined): SendMailOptions {
  const { content, from } = message
  if (content.kind === 'provider') {
    throw new EmailError('config', 'A template that a provider keeps cannot be sent over SMTP.')
  }
  const plain = (list: Message['to']): { name: string; address: string }[] =>
    list.map(({ name, address }) => ({ name: name ?? '', address }))
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  return {
    from: { name: from.name ?? '', address: from.address },
    to: plain(message.to),
    cc: plain(message.cc),
    replyTo: plain(message.replyTo),
    envelope: { from: from.address, to: recipientsOf(message).map(({ address }) => address) },
    ...(key === undefined ? {} : { messageId: `<${key}@${domain}>` }),
    subject: content.subject,
    text: content.text,
    ...(content.html === undefined ? {} : { html: content.html }),
    headers: headersOf(message).map(({ name, value }) => ({ key: name, value })),
    attachments: message.attachments.map(({ filename, content: bytes, contentType, contentId }) => ({
      filename,
      content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      contentType,
      ...(contentId === undefined ? {} : { cid: contentId }),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}
