import { takeData } from '../values/take-data.js'

/** Marks an object that stands for something JSON does not have. */
const MARK = '$plinth'

/**
 * Whether `JSON.parse(JSON.stringify(value))` gives the same again. Most values are like that, and need no more than JSON.
 *
 * Answers false for what cannot be encoded at all; {@link encodeTyped} then says why.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      return value === null || (depth < 400 && isPlainObject(value, depth + 1))
    default:
      return false
  }
}

/**
 * Encodes what JSON does not have, too: `Date`, `Map`, `Set`, `bigint`, bytes, `undefined`, `NaN`, infinities and `-0`.
 *
 * @throws CacheValueError for what is not data.
 */
export function encodeTyped(value: unknown): string {
  return JSON.stringify(mark(takeData(value).data))
}

/** Gives the value that {@link encodeTyped} encoded. Throws for other texts. */
export function decodeTyped(text: string): unknown {
  return unmark(JSON.parse(text))
}

function isPlainObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlainJson(value[index], depth)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  if ('toJSON' in value) return false
  for (const name in value) {
    if (name === MARK || !isPlainJson((value as Record<string, unknown>)[name], depth)) return false
  }
  return true
}

function mark(data: unknown): unknown {
  switch (typeof data) {
    case 'undefined':
      return { [MARK]: 'undefined' }
    case 'bigint':
      return { [MARK]: 'bigint', value: String(data) }
    case 'number':
      return Number.isFinite(data) && !Object.is(data, -0)
        ? data
        : { [MARK]: 'number', value: Object.is(data, -0) ? '-0' : String(data) }
    case 'object':
      return data === null ? null : markObject(data)
    default:
      return data
  }
}

function markObject(data: object): unknown {
  if (Array.isArray(data)) return data.map(mark)
  if (data instanceof Date) return { [MARK]: 'date', value: Number.isNaN(data.getTime()) ? null : data.getTime() }
  if (data instanceof Uint8Array) {
    const kind = Buffer.isBuffer(data) ? 'buffer' : 'bytes'
    return { [MARK]: kind, value: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }
  }
  if (data instanceof Map) return { [MARK]: 'map', value: [...data].map(([key, item]) => [mark(key), mark(item)]) }
  if (data instanceof Set) return { [MARK]: 'set', value: [...data].map(mark) }
  const entries = Object.entries(data).map(([name, item]) => [name, mark(item)] as const)
  // An object that uses the mark itself is told as its entries.
  return MARK in data ? { [MARK]: 'object', value: entries } : Object.fromEntries(entries)
}

function unmark(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(unmark)
  const record = json as Record<string, unknown>
  if (Object.hasOwn(record, MARK)) return unmarkKind(record[MARK], record.value)
  for (const name of Object.keys(record)) {
    const item = record[name]
    if (typeof item === 'object' && item !== null) define(record, name, unmark(item))
  }
  return record
}

function unmarkKind(kind: unknown, value: unknown): unknown {
  switch (kind) {
    case 'undefined':
      return undefined
    case 'bigint':
      return BigInt(value as string)
    case 'number':
      return Number(value)
    case 'date':
      return new Date(value === null ? Number.NaN : (value as number))
    case 'buffer':
      return Buffer.from(value as string, 'base64')
    case 'bytes':
      return new Uint8Array(Buffer.from(value as string, 'base64'))
    case 'map':
      return new Map((value as [unknown, unknown][]).map(([key, item]) => [unmark(key), unmark(item)]))
    case 'set':
      return new Set((value as unknown[]).map(unmark))
    case 'object':
      return Object.fromEntries((value as [string, unknown][]).map(([name, item]) => [name, unmark(item)]))
    default:
      throw new TypeError('The entry holds a kind of value that this version does not know.')
  }
}

/** A property named `__proto__` is a property, not a prototype. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
  } else target[name] = value
}
