import { EmailError } from '../../email-error.js'
import { addressKey } from '../../message/address.js'
import { type Message, recipientsOf } from '../../message/message.js'
import type { RecipientOutcome } from '../../send-result.js'
import type { Delivery } from '../../transport.js'
import { type PostmarkRefusal, refusedByCode } from './postmark-error.js'

/** Postmark's answer to one message: `ErrorCode` 0 with a `MessageID`, or a refusal. In batches each item has its own. */
export interface PostmarkAnswer extends PostmarkRefusal {
  readonly MessageID?: string
}

/**
 * Gives what Postmark's answer to one message means.
 *
 * `ErrorCode` may be missing when the service is slow; then the `MessageID` decides. That some recipients were left out
 * stands only in the text of the message.
 */
export function readAnswer(answer: PostmarkAnswer | undefined, message: Message): Delivery | EmailError {
  const code = answer?.ErrorCode ?? 0
  const text = answer?.Message ?? ''
  if (code !== 0) return refusedByCode(code, text)
  const id = answer?.MessageID
  if (typeof id !== 'string' || id === '') return noAnswer()
  const inactive = new Set(inactiveAddresses(text))
  const accepted = /delivery may be delayed/i.test(text) ? 'delayed' : 'accepted'
  const recipients = recipientsOf(message).map(
    ({ address }): RecipientOutcome => ({
      address,
      outcome: inactive.has(addressKey(address)) ? 'suppressed' : accepted,
    }),
  )
  return { id, recipients }
}

/** The addresses that Postmark's text calls inactive, in lower case. Its wording has changed before. */
function inactiveAddresses(text: string): readonly string[] {
  const list = /inactive (?:addresses|recipients?)\s*:\s*([^\n]*?)(?:\.\s|\.?$|\n)/i.exec(text)?.[1] ?? ''
  return list.split(/[,;\s]+/).map((address) => address.replace(/^[<'"]+|[>'".]+$/g, '').toLowerCase())
}

function noAnswer(): EmailError {
  return new EmailError('unavailable', 'Postmark answered without saying what became of the email.', {
    ambiguous: true,
  })
}
