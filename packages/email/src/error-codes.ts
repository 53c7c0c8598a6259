/** The error codes of this package, for `docs/errors.md`. */
export const errorCodes: readonly {
  readonly code: string
  readonly error: string
  readonly meaning: string
  readonly remedy: string
}[] = [
  {
    code: 'EMAIL_INVALID',
    error: 'EmailError',
    meaning: 'The message itself is wrong (an address, a header, an attachment); it will be refused again.',
    remedy: 'Correct the message.',
  },
  {
    code: 'EMAIL_TEMPLATE',
    error: 'EmailError',
    meaning: 'A template could not be rendered with these props.',
    remedy: 'Correct the template or its props.',
  },
  {
    code: 'EMAIL_SUPPRESSED',
    error: 'EmailError',
    meaning: 'Every recipient is known not to want or get mail.',
    remedy: 'Ask the recipient for another address, or reactivate it at the provider.',
  },
  {
    code: 'EMAIL_CONFIG',
    error: 'EmailError',
    meaning: 'The sender, the stream, the account or the transport is set up wrongly.',
    remedy: 'Change what the message names.',
  },
  {
    code: 'EMAIL_AUTH',
    error: 'EmailError',
    meaning: 'The token or the password was refused.',
    remedy: 'Check POSTMARK_SERVER_TOKEN or EMAIL_SMTP_URL.',
  },
  {
    code: 'EMAIL_PAYLOAD_TOO_LARGE',
    error: 'EmailError',
    meaning: 'The message is bigger than the transport takes.',
    remedy: 'Send smaller attachments, or links to them.',
  },
  {
    code: 'EMAIL_RATE_LIMITED',
    error: 'EmailError',
    meaning: 'Too many for now; `retryAfterMs` says how long to wait, when the provider does.',
    remedy: 'Send again later.',
  },
  {
    code: 'EMAIL_UNAVAILABLE',
    error: 'EmailError',
    meaning:
      'The transport cannot be reached or refuses for now; `ambiguous` says whether the message may have been sent.',
    remedy: 'Send again later, with an idempotency key when it was ambiguous.',
  },
  {
    code: 'EMAIL_TIMEOUT',
    error: 'EmailError',
    meaning: 'No answer in time; `ambiguous` says whether the message may have been sent.',
    remedy: 'Send again later, with an idempotency key when it was ambiguous.',
  },
  {
    code: 'EMAIL_ABORTED',
    error: 'EmailError',
    meaning: 'The signal of the caller ended the send.',
    remedy: 'Nothing.',
  },
]
