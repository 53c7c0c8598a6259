import { createRequire } from 'node:module'
import { MissingDependencyError } from '@plinth/core'
import type { Codec } from './codec.js'
import { decodeTyped, encodeTyped } from './typed-json.js'

/** Tells its entries apart from those of other codecs. */
const CODEC_ID = 16

/** MessagePack never uses this byte; what follows is JSON with types. */
const TYPED_JSON = Buffer.from([0xc1])

const MAX_DEPTH = 400

/**
 * A {@link Codec} that writes MessagePack by msgpackr: lists of alike objects become a third of their JSON, and are read in less time.
 *
 * It keeps what the default codec keeps: the few things that MessagePack does not bring back (`-0`, lone surrogates, properties named
 * `__proto__`, instances of classes) are written as JSON with types.
 *
 * @throws MissingDependencyError when msgpackr is not installed.
 */
export function msgpackrCodec(): Codec {
  const packr = new (loadMsgpackr().Packr)({
    useRecords: true,
    mapsAsObjects: false,
    moreTypes: true,
    copyBuffers: true,
    useBigIntExtension: true,
    int64AsType: 'bigint',
  })
  return {
    id: CODEC_ID,
    encode: (value) =>
      survives(value, 0) ? packr.pack(value) : Buffer.concat([TYPED_JSON, Buffer.from(encodeTyped(value))]),
    decode: (bytes) =>
      bytes[0] === TYPED_JSON[0] ? decodeTyped(Buffer.from(bytes.subarray(1)).toString()) : packr.unpack(bytes),
  }
}

function loadMsgpackr(): typeof import('msgpackr') {
  try {
    return createRequire(import.meta.url)('msgpackr') as typeof import('msgpackr')
  } catch (error) {
    throw new MissingDependencyError('The msgpackr codec', ['msgpackr'], error)
  }
}

/** Whether MessagePack gives the same again. */
function survives(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return !LONE_SURROGATE.test(value)
    case 'number':
      return !Object.is(value, -0)
    case 'function':
    case 'symbol':
      return false
    case 'object':
      return value === null || (depth < MAX_DEPTH && objectSurvives(value, depth + 1))
    default:
      return true
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u

function objectSurvives(value: object, depth: number): boolean {
  if (Array.isArray(value)) return everySurvives(value, depth)
  if (value instanceof Uint8Array || value instanceof Date) return true
  if (value instanceof Map) return everySurvives(value.keys(), depth) && everySurvives(value.values(), depth)
  if (value instanceof Set) return everySurvives(value, depth)
  const prototype: unknown = Object.getPrototypeOf(value)
  if ((prototype !== Object.prototype && prototype !== null) || 'toJSON' in value) return false
  for (const name of Object.keys(value)) {
    if (name === '__proto__' || LONE_SURROGATE.test(name)) return false
    if (!survives((value as Record<string, unknown>)[name], depth)) return false
  }
  return true
}

function everySurvives(items: Iterable<unknown>, depth: number): boolean {
  for (const item of items) if (!survives(item, depth)) return false
  return true
}
