import { randomUUID } from 'node:crypto'
import { acceptedDelivery } from '../accepted-delivery.js'
import { formatAddress } from '../message/address.js'
import { type Message, recipientsOf, subjectOf } from '../message/message.js'
import type { EmailTransport } from '../transport.js'

/** Options of {@link consoleTransport}. */
export interface ConsoleTransportOptions {
  /** Whether addresses, subjects and links are left out, because logs are kept and read. Default: `NODE_ENV` is `production`. */
  readonly production?: boolean
  /** Where lines go. Default `console.log`. */
  readonly write?: (text: string) => void
}

/** A transport that prints a summary of each message, with its links, instead of sending it: for development. */
export function consoleTransport(options: ConsoleTransportOptions = {}): EmailTransport {
  const production = options.production ?? process.env.NODE_ENV === 'production'
  const write = options.write ?? ((text: string) => console.log(text))
  return {
    name: 'console',
    delivers: false,
    async send(message) {
      const id = randomUUID()
      write(production ? describeSparsely(id, message) : describeFully(id, message))
      return acceptedDelivery(id, message)
    },
    async close() {},
  }
}

function describeFully(id: string, message: Message): string {
  const { content } = message
  const body = content.kind === 'rendered' ? content.text : JSON.stringify(content.model)
  const links = new Set(body.match(/https?:\/\/[^\s)>"']+/g) ?? [])
  return [
    `email ${id} (not sent)`,
    `  from     ${formatAddress(message.from)}`,
    `  to       ${recipientsOf(message).map(formatAddress).join(', ')}`,
    `  subject  ${subjectOf(message)}`,
    ...(message.template === undefined ? [] : [`  template ${message.template}`]),
    ...Array.from(links, (link) => `  link     ${link}`),
  ].join('\n')
}

function describeSparsely(id: string, message: Message): string {
  const count = recipientsOf(message).length
  return `email ${id} (not sent) template=${message.template ?? '-'} recipients=${count} [addresses and links hidden in production]`
}
