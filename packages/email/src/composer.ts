import type { Clock } from '@plinth/core'
import { EmailError } from './email-error.js'
import type { TemplateMessage, WrittenMessage } from './mailer.js'
import type { CreateMailerOptions } from './mailer-options.js'
import { type EmailAddress, parseAddress, parseRecipients } from './message/address.js'
import type { Message, MessageContent } from './message/message.js'
import { type Envelope, type EnvelopeDefaults, prepareMessage } from './message/prepare-message.js'
import { htmlToText } from './templates/html-to-text.js'
import type { EmailTemplate, TemplateVariables } from './templates/template.js'

/** Makes checked messages from templates and from what is written by hand. */
export class Composer {
  readonly #defaults: EnvelopeDefaults
  readonly #variables: Pick<TemplateVariables, 'companyName' | 'domain'>
  readonly #clock: Clock

  constructor(options: CreateMailerOptions, clock: Clock) {
    const from = parseAddress(options.from, 'from')
    const { stream, trackOpens, trackLinks } = options
    const replyTo: readonly EmailAddress[] = parseRecipients(options.replyTo, 'replyTo')
    this.#defaults = { from, replyTo, stream, trackOpens, trackLinks }
    const domain = options.variables?.domain ?? from.address.slice(from.address.lastIndexOf('@') + 1)
    this.#variables = { domain, companyName: options.variables?.companyName ?? from.name ?? domain }
    this.#clock = clock
  }

  /** Renders a template and gives the message ready for a transport. */
  async fromTemplate<Props>(
    template: EmailTemplate<Props>,
    message: TemplateMessage<Props>,
    stream: string | undefined,
  ): Promise<Message> {
    const content = await this.render(template, message.props, message.unsubscribeUrl)
    return prepareMessage(message, content, {
      ...this.#defaults,
      stream: stream ?? template.stream ?? this.#defaults.stream,
      template: template.name,
    })
  }

  /** Gives a message written by hand ready for a transport, its text part made when there is none. */
  written(message: WrittenMessage, stream: string | undefined): Message {
    const html = message.html?.toString()
    const text = message.text ?? htmlToText(html ?? '')
    const content: MessageContent = { kind: 'rendered', subject: message.subject, html, text }
    return prepareMessage(message, content, { ...this.#defaults, stream: stream ?? this.#defaults.stream })
  }

  /** Gives what a recipient reads. */
  render<Props>(
    template: EmailTemplate<Props>,
    props: Props,
    unsubscribeUrl: Envelope['unsubscribeUrl'],
  ): Promise<MessageContent> {
    const year = new Date(this.#clock.now()).getUTCFullYear()
    const variables: TemplateVariables = { ...this.#variables, year, unsubscribeUrl }
    return template.render(props, variables)
  }
}

/** Gives any failure of making a message as an {@link EmailError}. */
export function asEmailError(error: unknown, what: string): EmailError {
  if (error instanceof EmailError) return error
  return new EmailError('unavailable', `${what} failed for a reason that is not known.`, {
    cause: error,
    ambiguous: true,
    retryable: false,
  })
}
