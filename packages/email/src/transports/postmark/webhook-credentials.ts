import { createHash, timingSafeEqual } from 'node:crypto'
import { reveal, type Secret } from '@plinth/config/secret'

/** User and password of the webhook's HTTP Basic authentication, as set in Postmark. */
export interface WebhookLogin {
  readonly user: string
  readonly password: string | Secret<string>
}

/** A header that the webhook carries, as set in Postmark. */
export interface WebhookHeader {
  readonly name: string
  readonly value: string | Secret<string>
}

/**
 * Tells whether a request carries one of several logins (by Basic authentication) or headers.
 *
 * Hashes before it compares and compares with all of them, so that the time tells neither a length, a prefix, nor which
 * one was right.
 */
export function isAuthorized(
  headers: Headers,
  logins: readonly WebhookLogin[],
  secrets: readonly WebhookHeader[],
): boolean {
  const basic = /^basic +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1] ?? ''
  const given = digest(Buffer.from(basic, 'base64').toString('utf8'))
  let right = false
  for (const { user, password } of logins) {
    if (timingSafeEqual(given, digest(`${user}:${reveal(password)}`))) right = true
  }
  for (const { name, value } of secrets) {
    if (timingSafeEqual(digest(headers.get(name) ?? ''), digest(reveal(value)))) right = true
  }
  return right
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
