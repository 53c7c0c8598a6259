import { CacheValueError } from '../cache-errors.js'

/** A private copy of a value, reduced to data. */
export interface TakenData {
  readonly data: unknown
  /** Roughly how many bytes it takes. */
  readonly size: number
  /** Whether it is one plain object without objects in it. */
  readonly flat: boolean
}

/**
 * Copies a value as the caches keep it, whatever the backend: plain objects, arrays, `Date`, `Map`, `Set`, bytes and
 * primitives; an instance of a class becomes what its `toJSON` gives, or a plain object of its own properties.
 *
 * @throws CacheValueError for `undefined`, functions, symbols, cycles, and objects that are not data (promises, errors,
 * regular expressions); the message names the path, never the value.
 */
export function takeData(value: unknown): TakenData {
  if (value === undefined) {
    throw new CacheValueError('undefined cannot be cached: it would look like a missing entry. Use null.')
  }
  const walk: Walk = { size: 0, objects: 0, path: [] }
  const data = take(value, walk)
  return { data, size: walk.size, flat: walk.objects === 1 && isRecord(data as object) }
}

/** Copies what {@link takeData} gave: no questions left but the kind. */
export function copyData(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) return data.map(copyData)
  if (data instanceof Date) return new Date(data)
  if (data instanceof Uint8Array) return copyBytes(data)
  if (data instanceof Map) return new Map([...data].map(([key, item]) => [copyData(key), copyData(item)]))
  if (data instanceof Set) return new Set([...data].map(copyData))
  const copy = { ...data } as Record<string, unknown>
  for (const name in copy) {
    const item = copy[name]
    if (typeof item === 'object' && item !== null) setOwn(copy, name, copyData(item))
  }
  return copy
}

/** What is counted on the way through a value. */
interface Walk {
  size: number
  objects: number
  readonly path: (string | number)[]
}

/** Deeper than this is a cycle, or will overflow the stack of whoever reads it. */
const MAX_DEPTH = 400

function take(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case 'string':
      walk.size += value.length + 16
      return value
    case 'function':
    case 'symbol':
      throw refused(`A ${typeof value}`, walk)
    case 'object':
      return value === null ? null : takeObject(value, walk)
    default:
      walk.size += 8
      return value
  }
}

function takeObject(value: object, walk: Walk): unknown {
  if (walk.path.length >= MAX_DEPTH) throw refused('A value that contains itself (or is nested too deeply)', walk)
  walk.size += 32
  walk.objects++
  if (Array.isArray(value)) return value.map((item, index) => takeAt(index, item, walk))
  if (isRecord(value)) return takeRecord(value, walk)
  if (value instanceof Date) return new Date(value)
  if (value instanceof Uint8Array) {
    walk.size += value.byteLength
    return copyBytes(value)
  }
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [takeAt('<key>', key, walk), takeAt('<value>', item, walk)]))
  }
  if (value instanceof Set) return new Set([...value].map((item) => takeAt('<item>', item, walk)))
  return takeInstance(value, walk)
}

/** Objects whose own properties do not say what they are: storing them would lose their meaning in silence. */
const NOT_DATA: readonly (abstract new (...args: never[]) => object)[] = [
  Promise,
  Error,
  RegExp,
  WeakMap,
  WeakSet,
  WeakRef,
  ArrayBuffer,
]

function takeInstance(value: object, walk: Walk): unknown {
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return takeAt('toJSON()', toJSON.call(value), walk)
  if (ArrayBuffer.isView(value) || NOT_DATA.some((kind) => value instanceof kind)) {
    throw refused(`A ${value.constructor.name}`, walk)
  }
  return takeRecord(value, walk)
}

function takeRecord(value: object, walk: Walk): object {
  const copy: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) {
    walk.size += name.length + 8
    setOwn(copy, name, takeAt(name, item, walk))
  }
  return copy
}

function takeAt(step: string | number, item: unknown, walk: Walk): unknown {
  walk.path.push(step)
  const taken = take(item, walk)
  walk.path.pop()
  return taken
}

function refused(what: string, walk: Walk): CacheValueError {
  const path = walk.path.slice(0, 8).join('.')
  return new CacheValueError(`${what} cannot be cached (at ${path === '' ? 'the top' : path}). Cache plain data.`)
}

/** A property named `__proto__` is a property, not a prototype. */
function setOwn(target: Record<string, unknown>, name: string, item: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value: item, writable: true, enumerable: true, configurable: true })
  } else target[name] = item
}

function copyBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) ? Buffer.from(bytes) : bytes.slice()
}

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
