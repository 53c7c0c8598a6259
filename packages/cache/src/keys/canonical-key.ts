import { createHash } from 'node:crypto'
import { CacheKeyError } from '../cache-errors.js'

/** Longer keys are hashed: what every backend takes, with room for prefix and kind. */
const MAX_CANONICAL = 180
/** A key longer than this is a mistake, such as a document in the place of its name. */
const MAX_RAW = 65_536
/** How much of a hashed key stays readable, so that patterns can still tell most hashed keys apart. */
const HEAD = 100

const CANONICAL = /^[\w.\-:~@=,;()/+]+$/
const OTHERS = /[^\w.\-:~@=,;()/+]+/gu

/**
 * Gives the canonical form of a key, tag or prefix written as text: printable ASCII without wildcards, braces or `%`
 * other than from encoding. Different texts have different forms; colons keep separating segments.
 *
 * @param what names it in errors, such as `key`; the text itself is never quoted.
 * @throws CacheKeyError when it is not a text, empty, or longer than 65,536 characters.
 */
export function canonicalText(text: string, what: string): string {
  mustBeText(text, what)
  return CANONICAL.test(text) ? text : text.replace(OTHERS, encodeOthers)
}

/** @throws CacheKeyError as {@link canonicalText} does. */
export function mustBeText(text: string, what: string): void {
  if (typeof text !== 'string') throw new CacheKeyError(`A ${what} must be a string, not ${describe(text)}.`)
  if (text === '') throw new CacheKeyError(`A ${what} must not be empty.`)
  if (text.length > MAX_RAW) {
    throw new CacheKeyError(`A ${what} must not be longer than ${MAX_RAW} characters (got ${text.length}).`)
  }
}

/**
 * Shortens a canonical key that is too long for some backend: its beginning, and the SHA-256 of the whole.
 *
 * The sign between them is not canonical, so a shortened key never equals a key that was short.
 */
export function boundedKey(canonical: string): string {
  if (canonical.length <= MAX_CANONICAL) return canonical
  const hash = createHash('sha256').update(canonical).digest('base64url')
  return `${canonical.slice(0, HEAD)}${HASH_SIGN}${hash}`
}

/** Stands between the beginning of a long key and its hash. */
export const HASH_SIGN = '%#'

function encodeOthers(text: string): string {
  let encoded = ''
  for (const sign of text) {
    const code = sign.codePointAt(0) ?? 0
    if (code >= 0xd800 && code <= 0xdfff) encoded += `%u${code.toString(16).toUpperCase()}`
    else for (const byte of Buffer.from(sign)) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
