import { EmailError } from '../../email-error.js'

/** A mail server and how to log in there. */
export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** Whether TLS begins with the first byte (`smtps:`); otherwise STARTTLS. */
  readonly secure: boolean
  /** Whether to send nothing unless STARTTLS succeeds: wherever a password would cross a network. */
  readonly requireTLS: boolean
  readonly auth?: { readonly user: string; readonly pass: string } | undefined
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/

/**
 * Reads `smtp://user:password@host:587` or `smtps://…`; user and password percent-encoded.
 *
 * @throws EmailError of kind `config`; it never quotes the address, which holds the password.
 */
export function parseSmtpUrl(text: string): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '') {
    throw new EmailError(
      'config',
      'The SMTP address must be smtp://user:password@host:port or smtps://…, with the password percent-encoded.',
    )
  }
  const secure = url.protocol === 'smtps:'
  const auth =
    url.username === '' ? undefined : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port)
  return { host, port, secure, requireTLS: !secure && auth !== undefined && !LOOPBACK.test(host), auth }
}
