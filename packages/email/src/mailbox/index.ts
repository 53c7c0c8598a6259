export { type CreateMailboxOptions, createMailbox, type Mailbox } from './create-mailbox.js'
export type { MailboxSource, StoredEmail } from './stored-email.js'
