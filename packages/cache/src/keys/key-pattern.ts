import type { KeyMatcher } from '../cache-backend.js'
import { CacheKeyError } from '../cache-errors.js'
import { canonicalText, HASH_SIGN } from './canonical-key.js'

const TOKENS = /(\*+|\?|\[[!^]?[\w.-]+\])/
/** One character of a key, however long its encoding. */
const ONE = '(?:%u[0-9A-F]{4}|(?:%[89A-F][0-9A-F])+|%[0-7][0-9A-F]|[^%])'
/** The beginning of a segment that may be marked as a text in the key (see `encodeParam`); a pattern means both. */
const MARKABLE = /(^|:)~?(?=[-\d]|(?:true|false|null)(?::|$))/g

/**
 * Compiles a pattern over keys: `*` any text, `?` one character, `[abc]`, `[a-z]` and `[!abc]` one of (or none of) plain characters.
 * Everything else is text as in a key; a segment of digits means the number and the text.
 *
 * A key so long that it was shortened matches when its beginning could: to delete too much is safe.
 *
 * @param canonical whether the text between wildcards is canonical already, as a rendered template is.
 * @throws CacheKeyError when it is empty.
 */
export function compilePattern(pattern: string, canonical = false): KeyMatcher {
  if (typeof pattern !== 'string' || pattern === '') throw new CacheKeyError('A pattern must be a text, and not empty.')
  const pieces = pattern.split(TOKENS).map((piece, index) => {
    if (index % 2 === 1) return wildcard(piece)
    return piece === '' || canonical ? fixed(piece) : fixed(canonicalText(piece, 'pattern'))
  })
  const whole = new RegExp(`^${pieces.map((piece) => piece.regex).join('')}$`)
  const start = (pieces[0] as Piece).text
  return {
    beginsWith: start.slice(0, start.search(MARKABLE_ONCE) === -1 ? start.length : start.search(MARKABLE_ONCE)),
    matches: (key) => {
      const sign = key.indexOf(HASH_SIGN)
      return sign === -1 ? whole.test(key) : agree(key.slice(0, sign), start)
    },
  }
}

/** A stretch of a pattern: its fixed text (empty for a wildcard), and what it matches. */
interface Piece {
  readonly text: string
  readonly regex: string
}

const MARKABLE_ONCE = new RegExp(MARKABLE.source)

function wildcard(token: string): Piece {
  if (token.startsWith('*')) return { text: '', regex: '.*' }
  if (token === '?') return { text: '', regex: ONE }
  const negated = token[1] === '!' || token[1] === '^'
  const set = token.slice(negated ? 2 : 1, -1)
  return { text: '', regex: negated ? `(?![${set}])${ONE}` : `[${set}]` }
}

function fixed(text: string): Piece {
  const escaped = text.replaceAll(MARKABLE, '$1\u0000').replace(/[.()+/]/g, '\\$&')
  return { text, regex: escaped.replaceAll('\u0000', '~?') }
}

/** Whether one of two beginnings continues the other, marks aside. */
function agree(head: string, start: string): boolean {
  const [a, b] = [head.replaceAll('~', ''), start.replaceAll('~', '')]
  return a.startsWith(b) || b.startsWith(a)
}
