import { EmailError, type EmailErrorKind, type EmailErrorOptions } from '../../email-error.js'
import type { RequestFacts } from './watched-fetch.js'

/** The answer of Postmark's API to what it refuses: https://postmarkapp.com/developer/api/overview#error-codes */
export interface PostmarkRefusal {
  readonly ErrorCode?: number
  readonly Message?: string
}

/** What Postmark's error codes mean for a caller. Codes that are not here are the message's own fault. */
const KINDS: Readonly<Record<number, EmailErrorKind>> = {
  10: 'auth', // bad or missing token
  100: 'unavailable', // maintenance
  400: 'config', // sender signature not found
  401: 'config', // sender signature not confirmed
  405: 'config', // not allowed to send
  406: 'suppressed', // inactive recipient
  412: 'config', // account pending approval
  413: 'config', // account may not send
  429: 'rate-limited',
}

/** Codes of the templates API, from "template not found" on. */
const isTemplateCode = (code: number): boolean => code >= 1100 && code < 1200
/** Codes of the message streams API, such as a stream that does not exist. */
const isStreamCode = (code: number): boolean => code >= 1220 && code < 1250

/** Gives the error for a message that Postmark refused by code: nothing was sent. */
export function refusedByCode(code: number, message: string, retryAfterMs?: number): EmailError {
  const kind = KINDS[code] ?? (isTemplateCode(code) ? 'template' : isStreamCode(code) ? 'config' : 'invalid')
  return new EmailError(kind, `Postmark refused the email (${code}): ${withoutAddresses(message)}`, {
    providerCode: code,
    retryAfterMs,
  })
}

/** What the client threw: a `PostmarkError`, known by its shape, because the client is CommonJS and may be another copy. */
interface ClientError {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly message?: unknown
}

/** Gives the error for a request that failed, from what was seen on the wire and what the client threw. */
export function requestError(facts: RequestFacts, thrown: unknown, signal: AbortSignal): EmailError {
  const { failure, status } = facts
  if (failure !== undefined) return networkError(facts, signal)
  if (status === undefined) return unknownFault(thrown)
  const { code, message } = thrown as ClientError
  const text = typeof message === 'string' ? message : ''
  if (status === 401) return refusedByCode(10, text)
  if (status === 422 && typeof code === 'number' && code > 0) return refusedByCode(code, text)
  return statusError(status, facts.retryAfterMs)
}

function statusError(status: number, retryAfterMs: number | undefined): EmailError {
  const fault = (kind: EmailErrorKind, problem: string, options?: EmailErrorOptions): EmailError =>
    new EmailError(kind, `Postmark answered HTTP ${status}: ${problem}`, { retryAfterMs, ...options })
  if (status === 413) return fault('payload-too-large', 'the request is too big (10 MB a message, 50 MB a batch).')
  if (status === 429) return fault('rate-limited', 'too many requests for now.')
  if (status === 503) return fault('unavailable', 'it is out of service for now.')
  if (status >= 500) return fault('unavailable', 'it may have been sent all the same.', { ambiguous: true })
  if (status === 408) return fault('timeout', 'it may have been sent all the same.', { ambiguous: true })
  if (status >= 400) return fault('config', 'this is not an endpoint of its API, or the request is not for it.')
  return fault('unavailable', 'the answer is not of its API; it may have been sent all the same.', { ambiguous: true })
}

/** Codes of failures that come before a request is written, for a fetch that does not tell. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function networkError(facts: RequestFacts, signal: AbortSignal): EmailError {
  const error = facts.failure as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } } | undefined
  const code = error?.cause?.code
  const neverSent = facts.created ? !facts.headWritten : NEVER_SENT.has(code)
  const suffix = neverSent ? 'Nothing was sent.' : 'It may have been sent all the same.'
  const options = { ambiguous: !neverSent, cause: plainCause(code, error?.name) }
  if (isTlsFault(code)) {
    return new EmailError('config', `Postmark's certificate was refused (${String(code)}). ${suffix}`, options)
  }
  if (signal.aborted) {
    const timedOut = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
    return timedOut
      ? new EmailError('timeout', `Postmark did not answer in time. ${suffix}`, options)
      : new EmailError('aborted', `The send was given up. ${suffix}`, options)
  }
  return new EmailError(
    'unavailable',
    `Postmark cannot be reached (${String(code ?? 'network error')}). ${suffix}`,
    options,
  )
}

function isTlsFault(code: unknown): boolean {
  return typeof code === 'string' && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/.test(code)
}

/** The cause without the client's objects: they hold the request, and the request holds the token. */
function plainCause(code: unknown, name: unknown): Error {
  return Object.assign(new Error(String(code ?? name ?? 'network error')), { code })
}

function unknownFault(thrown: unknown): EmailError {
  const name = thrown instanceof Error ? thrown.name : typeof thrown
  return new EmailError('config', `The Postmark client failed before it made a request (${name}).`)
}

/** Postmark's messages quote addresses; a log must not. */
function withoutAddresses(message: string): string {
  return message.replace(/[^\s'"<>,;:()]+@[^\s'"<>,;:()]+/g, '(address)').slice(0, 300)
}
