import { invalid, oneLine } from './plain-text.js'

const KEY = /^[a-z0-9_-]{1,20}$/i

/**
 * Checks the key/value pairs that come back with a message's webhooks: at most 9 keys of 20 characters, values of 80.
 *
 * Postmark takes 10; one is kept for the idempotency key, so that a message with an unknown outcome can be found again.
 *
 * @throws EmailError of kind `invalid`.
 */
export function parseMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata ?? {})
  if (entries.length > 9) throw invalid('metadata', 'must not have more than 9 keys')
  const seen = new Set<string>()
  const checked = entries.map(([key, value], index): [string, string] => {
    if (seen.has(key.toLowerCase())) throw invalid(`metadata[${index}]`, 'repeats a key in another case')
    seen.add(key.toLowerCase())
    if (key.toLowerCase() === 'plinth-key') throw invalid(`metadata[${index}]`, 'uses a key kept for the mailer')
    if (!KEY.test(key)) throw invalid(`metadata[${index}]`, 'must have a key of at most 20 letters, digits, _ and -')
    return [key, oneLine(value, `metadata[${index}]`, 80)]
  })
  return Object.freeze(Object.fromEntries(checked))
}
