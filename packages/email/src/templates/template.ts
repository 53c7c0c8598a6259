import type { MessageContent } from '../message/message.js'

/** What every template may use beside its props. */
export interface TemplateVariables {
  /** The company or product that writes; the sender's name unless configured. */
  readonly companyName: string
  /** The year in which it is rendered. */
  readonly year: number
  /** The site's host, such as `app.example.com`; the domain of the sender's address unless configured. */
  readonly domain: string
  /** Where the recipient opts out; absent when the message has no such address. */
  readonly unsubscribeUrl?: string | undefined
}

/**
 * A kind of message: what it needs to know, and how it reads.
 *
 * `defineTemplate` and `definePostmarkTemplate` make them; a mailer, the mailbox page and tests use them.
 */
export interface EmailTemplate<Props> {
  /** Names it in logs, tags and errors, such as `welcome`. */
  readonly name: string
  /** Props to preview it with. */
  readonly example: Props
  /** The message stream its messages belong to; absent is the mailer's. */
  readonly stream?: string | undefined
  /** Checks the props and gives what a recipient reads. Rejects with an `EmailError` of kind `template`. */
  render(props: Props, variables: TemplateVariables): Promise<MessageContent>
}
