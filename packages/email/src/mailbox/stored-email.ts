import type { Message } from '../message/message.js'

/** A message that a transport kept instead of sending it. */
export interface StoredEmail {
  /** Names it among the messages of its transport: letters, digits, `-` and `_`. */
  readonly id: string
  /** When it was taken, in milliseconds since the epoch. */
  readonly at: number
  readonly message: Message
}

/** Messages that can be looked at: the outbox and the memory transport have one, and the mailbox page shows it. */
export interface MailboxSource {
  /** The newest messages first, at most `limit`. */
  list(limit: number): Promise<readonly StoredEmail[]>
  /** One message, or `undefined` when there is none of this id. */
  read(id: string): Promise<StoredEmail | undefined>
}
