import type { EmailHeader } from './header.js'
import { invalid, oneLine } from './plain-text.js'

/**
 * The headers by which a mail client shows its own unsubscribe button, with one-click POST (RFC 2369, RFC 8058).
 *
 * None for an http address, as in development: RFC 8058 asks for https.
 *
 * @throws EmailError of kind `invalid` when `url` is neither.
 */
export function unsubscribeHeaders(url: string): readonly EmailHeader[] {
  const text = oneLine(url, 'unsubscribeUrl', 800)
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed?.protocol === 'http:') return []
  if (parsed?.protocol !== 'https:') throw invalid('unsubscribeUrl', 'must be an https URL')
  return [
    { name: 'List-Unsubscribe', value: `<${parsed.href.replaceAll('>', '%3E')}>` },
    { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
  ]
}
