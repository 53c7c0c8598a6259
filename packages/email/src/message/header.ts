import { invalid, oneLine } from './plain-text.js'

/** One header that a message carries beside the usual ones. */
export interface EmailHeader {
  readonly name: string
  readonly value: string
}

const NAME = /^[a-z0-9-]{1,76}$/i

/** Headers that the message itself decides: a second copy would add a recipient, forge a sender or break the body. */
const RESERVED: ReadonlySet<string> = new Set([
  'from',
  'sender',
  'to',
  'cc',
  'bcc',
  'reply-to',
  'return-path',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'received',
  'authentication-results',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'x-original-to',
])
const RESERVED_PREFIXES = ['content-', 'dkim-', 'arc-', 'resent-', 'x-pm-', 'domainkey-']

/**
 * Checks the extra headers of a message and gives them as a list.
 *
 * @throws EmailError of kind `invalid` for a name that is not a header name or that the message decides itself, and for
 *   a value that is not one line.
 */
export function parseHeaders(headers: Readonly<Record<string, string>> | undefined): EmailHeader[] {
  const entries = Object.entries(headers ?? {})
  if (entries.length > 50) throw invalid('headers', 'must not be more than 50')
  const seen = new Set<string>()
  return entries.map(([name, value], index) => {
    const field = `headers[${index}]`
    const key = name.toLowerCase()
    if (!NAME.test(name)) throw invalid(field, 'must have a name of letters, digits and hyphens')
    if (RESERVED.has(key) || RESERVED_PREFIXES.some((prefix) => key.startsWith(prefix))) {
      throw invalid(field, `must not set ${key}: the message decides it`)
    }
    if (seen.has(key)) throw invalid(field, `repeats ${key}`)
    seen.add(key)
    return Object.freeze({ name, value: oneLine(value, field, 900) })
  })
}
