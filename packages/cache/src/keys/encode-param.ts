import { CacheKeyError } from '../cache-errors.js'

/** What may stand for a placeholder in a template. Objects and arrays are data only; their properties are sorted. */
export type KeyParam =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | readonly KeyParam[]
  | { readonly [name: string]: KeyParam | undefined }

/** A text that could be read as something else (a number, `true`, `null`, a mark) is marked with a tilde. */
const AMBIGUOUS = /^(?:$|[-\d~]|(?:true|false|null)$)/
const PLAIN = /^[A-Za-z_][\w.-]*$/
const MAX_DEPTH = 16

/**
 * Encodes one parameter so that different values never give the same text: `1` and `'1'`, `null` and `'null'`, `[1, 2]` and
 * `'1,2'` all differ, and no text contains a separator, a wildcard, a brace or a control character.
 *
 * @param where names the placeholder and its template in errors; the value itself is never quoted.
 * @throws CacheKeyError for `undefined`, functions, symbols, numbers that are not finite, invalid dates, and cycles.
 */
export function encodeParam(value: KeyParam | undefined, where: string): string {
  switch (typeof value) {
    case 'string':
      return encodeText(value)
    case 'number':
      if (Number.isFinite(value)) return String(value === 0 ? 0 : value).replace('+', '')
      throw new CacheKeyError(`${where} must be a finite number.`)
    case 'boolean':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      if (value === null) return 'null'
      if (value instanceof Date) return encodeDate(value, where)
      if (value instanceof Uint8Array) return `@b${Buffer.from(value).toString('base64url')}`
      return `=${encodeNested(value, where, 0)}`
    default:
      throw new CacheKeyError(
        value === undefined ? `${where} is missing.` : `${where} must be data, not a ${typeof value}.`,
      )
  }
}

function encodeText(text: string): string {
  if (PLAIN.test(text)) return text === 'true' || text === 'false' || text === 'null' ? `~${text}` : text
  return AMBIGUOUS.test(text) ? `~${percentEncode(text)}` : percentEncode(text)
}

function encodeDate(date: Date, where: string): string {
  const time = date.getTime()
  if (Number.isNaN(time)) throw new CacheKeyError(`${where} is an invalid date.`)
  return `@d${time}`
}

/** Parts are joined by signs that the encoding of a part never contains. */
function encodeNested(value: object, where: string, depth: number): string {
  if (depth > MAX_DEPTH) throw new CacheKeyError(`${where} is nested too deeply, or contains itself.`)
  const part = (item: unknown): string =>
    typeof item === 'object' && item !== null && !(item instanceof Date) && !(item instanceof Uint8Array)
      ? encodeNested(item, where, depth + 1)
      : encodeParam(item as KeyParam | undefined, where)
  if (Array.isArray(value)) return `(${value.map(part).join(',')})`
  if (!isPlain(value)) throw new CacheKeyError(`${where} must be plain data, not an instance of a class.`)
  const record = value as Readonly<Record<string, unknown>>
  const names = Object.keys(record).filter((name) => record[name] !== undefined)
  return `(${names
    .sort()
    .map((name) => `${encodeText(name)}=${part(record[name])}`)
    .join(';')};)`
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/
const SURROGATES = /([\uD800-\uDBFF][\uDC00-\uDFFF])|([\uD800-\uDFFF])/g

/** Encodes everything but letters, digits and `_ . -` as `%XX` of UTF-8; a lone surrogate as `%uXXXX`. */
function percentEncode(text: string): string {
  if (LONE_SURROGATE.test(text)) {
    return text
      .split(SURROGATES)
      .map((part) =>
        part === undefined || part === ''
          ? ''
          : LONE_SURROGATE.test(part)
            ? `%u${part.charCodeAt(0).toString(16).toUpperCase()}`
            : percentEncode(part),
      )
      .join('')
  }
  return encodeURIComponent(text).replace(/[!~*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
