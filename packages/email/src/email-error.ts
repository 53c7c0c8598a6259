import { InfraError } from '@plinth/core'

/**
 * What went wrong with a message, as one word that a caller may switch on.
 *
 * - `invalid`: the message itself is wrong (an address, a header, an attachment); it will be refused again.
 * - `template`: a template could not be rendered with these props.
 * - `suppressed`: every recipient is known not to want or get mail.
 * - `config`: the sender, the stream, the account or the transport is set up wrongly.
 * - `auth`: the token or password was refused.
 * - `payload-too-large`: the message is bigger than the transport takes.
 * - `rate-limited`: too many for now; see {@link EmailError.retryAfterMs}.
 * - `unavailable`: the transport cannot be reached or refuses for now.
 * - `timeout`: no answer in time.
 * - `aborted`: the caller's signal ended the call.
 */
export type EmailErrorKind =
  | 'invalid'
  | 'template'
  | 'suppressed'
  | 'config'
  | 'auth'
  | 'payload-too-large'
  | 'rate-limited'
  | 'unavailable'
  | 'timeout'
  | 'aborted'

/** The code of an {@link EmailError}, one for each {@link EmailErrorKind}. */
export type EmailErrorCode = (typeof CODES)[EmailErrorKind]

const CODES = {
  invalid: 'EMAIL_INVALID',
  template: 'EMAIL_TEMPLATE',
  suppressed: 'EMAIL_SUPPRESSED',
  config: 'EMAIL_CONFIG',
  auth: 'EMAIL_AUTH',
  'payload-too-large': 'EMAIL_PAYLOAD_TOO_LARGE',
  'rate-limited': 'EMAIL_RATE_LIMITED',
  unavailable: 'EMAIL_UNAVAILABLE',
  timeout: 'EMAIL_TIMEOUT',
  aborted: 'EMAIL_ABORTED',
} as const

/** What an {@link EmailError} may carry beside its kind and message. */
export interface EmailErrorOptions {
  /** Whether the same send may succeed later. Default: for `rate-limited`, `unavailable` and `timeout`. */
  readonly retryable?: boolean
  /** Whether the message may have been sent all the same. Default false. */
  readonly ambiguous?: boolean
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** The number by which the provider names the fault, such as Postmark's 406. */
  readonly providerCode?: number | undefined
  readonly cause?: unknown
}

/**
 * The one error of this package: a message was not sent, or nobody can tell.
 *
 * The message names the field, the transport and the remedy, never an address, a subject or a token.
 */
export class EmailError extends InfraError {
  override readonly name: string = 'EmailError'
  declare readonly code: EmailErrorCode
  readonly kind: EmailErrorKind
  /** Whether the message may have been sent all the same: repeating it may deliver it twice. */
  readonly ambiguous: boolean
  /** How long to wait before a repetition, in milliseconds; absent when nobody said. */
  readonly retryAfterMs: number | undefined
  /** The provider's number for the fault, such as Postmark's 406; absent when it gave none. */
  readonly providerCode: number | undefined

  constructor(kind: EmailErrorKind, message: string, options: EmailErrorOptions = {}) {
    const retryable = options.retryable ?? (kind === 'rate-limited' || kind === 'unavailable' || kind === 'timeout')
    super(CODES[kind], message, { retryable, cause: options.cause })
    this.kind = kind
    this.ambiguous = options.ambiguous ?? false
    this.retryAfterMs = options.retryAfterMs
    this.providerCode = options.providerCode
  }
}
