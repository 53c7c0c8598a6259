import { EmailError, type EmailErrorOptions } from '../../email-error.js'

/** What nodemailer tells of a failure. */
interface SmtpFailure {
  readonly code?: unknown
  readonly responseCode?: unknown
  readonly command?: unknown
}

/** How far a message got when its send failed. */
export interface SmtpProgress {
  /** Whether all of the message was handed to the connection: before that the server cannot have accepted it. */
  readonly handedOver: boolean
  /** What ended the send, if it was the caller's signal. */
  readonly signal: AbortSignal
}

/**
 * Gives the error for a send that failed, from what the server answered (RFC 5321) and how far the message got.
 *
 * A server that answered has told whether it took the message. Without an answer nobody knows, but only if the last byte
 * was handed over.
 */
export function smtpError(error: unknown, { handedOver, signal }: SmtpProgress): EmailError {
  const { code, responseCode } = (error ?? {}) as SmtpFailure
  if (code === 'EAUTH' || code === 'ENOAUTH') return loginError(responseCode)
  if (code === 'ETLS' || code === 'EREQUIRETLS') return encryptionError(responseCode)
  if (typeof responseCode === 'number') return answeredError(responseCode, String(code))
  if (code === 'EMESSAGE' && !signal.aborted) {
    return new EmailError('payload-too-large', 'The mail server takes no message of this size.')
  }
  const options: EmailErrorOptions = { ambiguous: handedOver, cause: plainCause(code) }
  const suffix = handedOver ? 'The email may have been sent all the same.' : 'Nothing was sent.'
  if (signal.aborted) {
    const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
    return timedOut
      ? new EmailError('timeout', `The mail server did not answer in time. ${suffix}`, options)
      : new EmailError('aborted', `The send was given up. ${suffix}`, options)
  }
  if (code === 'ETIMEDOUT')
    return new EmailError('timeout', `The mail server did not answer in time. ${suffix}`, options)
  return new EmailError('unavailable', `The mail server cannot be reached (${String(code)}). ${suffix}`, options)
}

function loginError(responseCode: unknown): EmailError {
  if (responseCode === 454 || responseCode === 421) {
    return new EmailError('unavailable', `The mail server cannot check the login for now (${responseCode}).`)
  }
  return new EmailError('auth', 'The mail server refused the login. Check the user name and password.')
}

/** Encryption comes before the message: nothing was sent. 454 is "not now" (RFC 3207), all else is a server without TLS. */
function encryptionError(responseCode: unknown): EmailError {
  if (responseCode === 454 || responseCode === 421) {
    return new EmailError('unavailable', `The mail server cannot encrypt for now (${responseCode}). Nothing was sent.`)
  }
  return new EmailError('config', 'The connection to the mail server could not be encrypted. Nothing was sent.')
}

/** 4xx is "not now", 5xx is "never": in both cases the server did not take the message. */
function answeredError(responseCode: number, code: string): EmailError {
  const options = { providerCode: responseCode }
  if (responseCode < 500) {
    return new EmailError('unavailable', `The mail server refused the email for now (${responseCode}).`, options)
  }
  if (responseCode === 552 || responseCode === 523) {
    return new EmailError(
      'payload-too-large',
      `The mail server takes no message of this size (${responseCode}).`,
      options,
    )
  }
  if (responseCode === 530 || responseCode === 535) {
    return new EmailError('auth', `The mail server asks for a login (${responseCode}).`, options)
  }
  const what = code === 'EENVELOPE' ? 'the sender or every recipient' : 'the email'
  return new EmailError('invalid', `The mail server refused ${what} (${responseCode}).`, options)
}

/** The cause without the server's text, which quotes addresses. */
function plainCause(code: unknown): Error {
  return Object.assign(new Error(String(code ?? 'connection failed')), { code })
}
