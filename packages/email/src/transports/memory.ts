import { AssertionError } from 'node:assert'
import { randomUUID } from 'node:crypto'
import { acceptedDelivery } from '../accepted-delivery.js'
import { EmailError, type EmailErrorKind } from '../email-error.js'
import type { MailboxSource, StoredEmail } from '../mailbox/stored-email.js'
import { addressKey } from '../message/address.js'
import { type Message, recipientsOf, subjectOf } from '../message/message.js'
import type { Delivery, EmailTransport, TransportCall } from '../transport.js'

/** Options of {@link memoryTransport}. */
export interface MemoryTransportOptions {
  /** How many messages it keeps; the oldest go first. Default 10 000. */
  readonly limit?: number
  /** What {@link Mailer.canDeliver} says. Default true: it stands in for a transport that delivers. */
  readonly delivers?: boolean
  /** Failures to answer with before it takes messages: tests of what your code does then. */
  readonly faults?: readonly MemoryFault[]
}

/** A failure to answer with, `times` times (default once). */
export interface MemoryFault {
  readonly kind: EmailErrorKind
  /** Whether the message is kept all the same, and the error says that nobody can tell. */
  readonly ambiguous?: boolean
  readonly retryAfterMs?: number
  readonly times?: number
}

/** What to look for among the messages a {@link MemoryTransport} took. Everything given must be so. */
export interface SentFilter {
  /** The template, or its name. */
  readonly template?: string | { readonly name: string }
  /** One of the recipients, in `to`, `cc` or `bcc`. */
  readonly to?: string
  /** The subject, or what it must match. */
  readonly subject?: string | RegExp
}

/** A transport that keeps what it is given, for tests: each has its own messages. */
export function memoryTransport(options: MemoryTransportOptions = {}): MemoryTransport {
  return new MemoryTransport(options)
}

/** The transport that {@link memoryTransport} gives. */
export class MemoryTransport implements EmailTransport {
  readonly name = 'memory'
  readonly delivers: boolean
  /** For the mailbox page. */
  readonly mailbox: MailboxSource = {
    list: async (limit) => this.#kept.slice(-limit).toReversed(),
    read: async (id) => this.#kept.find((kept) => kept.id === id),
  }
  readonly #limit: number
  readonly #faults: MemoryFault[]
  #kept: StoredEmail[] = []

  /** @internal Use {@link memoryTransport}. */
  constructor(options: MemoryTransportOptions) {
    this.delivers = options.delivers ?? true
    this.#limit = options.limit ?? 10_000
    this.#faults = (options.faults ?? []).flatMap((fault) => Array.from({ length: fault.times ?? 1 }, () => fault))
  }

  /** The messages it took, oldest first. */
  get sent(): readonly Message[] {
    return this.#kept.map(({ message }) => message)
  }

  async send(message: Message, _call: TransportCall): Promise<Delivery> {
    const fault = this.#faults.shift()
    if (fault !== undefined && fault.ambiguous !== true) throw failure(fault)
    const id = randomUUID()
    this.#kept.push({ id, at: Date.now(), message })
    if (this.#kept.length > this.#limit * 1.1) this.#kept = this.#kept.slice(-this.#limit)
    if (fault !== undefined) throw failure(fault)
    return acceptedDelivery(id, message)
  }

  /** The messages that match, oldest first. */
  find(filter: SentFilter = {}): readonly Message[] {
    return this.sent.filter((message) => matches(message, filter))
  }

  /**
   * Gives the only message that matches.
   *
   * @throws AssertionError when there is none or more than one; it lists what was sent.
   */
  assertSent(filter: SentFilter = {}): Message {
    const found = this.find(filter)
    const [message] = found
    if (message !== undefined && found.length === 1) return message
    throw new AssertionError({
      message: `Expected one message that matches ${describeFilter(filter)}, found ${found.length}. Sent: ${describeSent(this.sent)}`,
    })
  }

  /** Forgets all messages. */
  clear(): void {
    this.#kept = []
  }

  async close(): Promise<void> {}
}

function failure({ kind, ambiguous, retryAfterMs }: MemoryFault): EmailError {
  return new EmailError(kind, `The memory transport was told to fail with "${kind}".`, {
    ambiguous: ambiguous ?? false,
    retryAfterMs,
  })
}

function matches(message: Message, { template, to, subject }: SentFilter): boolean {
  const name = typeof template === 'object' ? template.name : template
  if (name !== undefined && message.template !== name) return false
  if (to !== undefined && !recipientsOf(message).some(({ address }) => addressKey(address) === addressKey(to)))
    return false
  if (subject === undefined) return true
  return typeof subject === 'string' ? subjectOf(message) === subject : subject.test(subjectOf(message))
}

function describeFilter({ template, to, subject }: SentFilter): string {
  const name = typeof template === 'object' ? template.name : template
  const parts = [name && `template ${name}`, to && `to ${to}`, subject && `subject ${subject}`].filter(Boolean)
  return parts.length === 0 ? 'anything' : parts.join(', ')
}

function describeSent(messages: readonly Message[]): string {
  if (messages.length === 0) return 'nothing.'
  return messages
    .slice(-10)
    .map(
      (message) =>
        `\n  ${subjectOf(message)} -> ${recipientsOf(message)
          .map(({ address }) => address)
          .join(', ')}`,
    )
    .join('')
}
