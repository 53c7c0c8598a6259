import { CacheValueError } from './cache-errors.js'
import type { Codec } from './codecs/codec.js'
import { type CompressionBounds, compress, decompress } from './codecs/compression.js'
import type { Signer } from './codecs/signature.js'
import { decodeTyped, encodeTyped, isPlainJson } from './codecs/typed-json.js'
import { FORMATS, type Packed, type Packing } from './packing.js'

/** How values are written for stores that keep bytes. */
export interface BytePackingOptions {
  /** Default: JSON with types. */
  readonly codec: Codec | undefined
  readonly compression: CompressionBounds | undefined
  readonly signer: Signer | undefined
}

/** For stores that keep bytes: codec, then compression, then signature. */
export class BytePacking implements Packing {
  readonly #options: BytePackingOptions

  constructor(options: BytePackingOptions) {
    this.#options = options
  }

  pack(value: unknown, key: string): Packed {
    const { compression, signer } = this.#options
    let { bytes, format } = this.#encode(value)
    const small = compression && format !== FORMATS.count ? compress(bytes, compression) : undefined
    if (small !== undefined) {
      bytes = small
      format |= FORMATS.deflated
    }
    // A count must stay readable for the server that adds to it.
    if (signer !== undefined && format !== FORMATS.count) {
      bytes = signer.sign(bytes, `${format}:${key}`)
      format |= FORMATS.signed
    }
    return { body: bytes, size: bytes.byteLength, format }
  }

  unpack(body: unknown, format: number, key: string): unknown {
    const { compression, signer } = this.#options
    let bytes = body as Uint8Array
    let kind = format
    if (signer !== undefined && kind !== FORMATS.count) {
      if ((kind & FORMATS.signed) === 0) throw new TypeError('The entry is not signed.')
      kind &= ~FORMATS.signed
      bytes = signer.verify(bytes, `${kind}:${key}`)
    }
    if ((kind & FORMATS.deflated) !== 0) {
      bytes = decompress(bytes, compression ?? NO_BOUNDS)
      kind &= ~FORMATS.deflated
    }
    return this.#decode(bytes, kind)
  }

  #encode(value: unknown): { bytes: Uint8Array; format: number } {
    const { codec } = this.#options
    if (value === undefined) return { bytes: new Uint8Array(), format: FORMATS.nothing }
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      return { bytes: Buffer.from(String(value), 'latin1'), format: FORMATS.count }
    }
    if (codec !== undefined) return { bytes: encodeBy(codec, value), format: codec.id }
    if (isPlainJson(value)) return { bytes: Buffer.from(JSON.stringify(value)), format: FORMATS.json }
    return { bytes: Buffer.from(encodeTyped(value)), format: FORMATS.typedJson }
  }

  #decode(bytes: Uint8Array, kind: number): unknown {
    const { codec } = this.#options
    switch (kind) {
      case FORMATS.count:
        return decodeCount(textOf(bytes))
      case FORMATS.nothing:
        return undefined
      case FORMATS.bytes:
        return bytes
      case FORMATS.json:
        return JSON.parse(textOf(bytes))
      case FORMATS.typedJson:
        return decodeTyped(textOf(bytes))
      default:
        if (codec === undefined || kind !== codec.id)
          throw new TypeError('The entry has a format that this cache does not read.')
        return codec.decode(bytes)
    }
  }
}

const NO_BOUNDS: CompressionBounds = { above: Number.POSITIVE_INFINITY, maxBytes: 64 * 1024 * 1024 }

function encodeBy(codec: Codec, value: unknown): Uint8Array {
  try {
    return codec.encode(value)
  } catch (error) {
    throw new CacheValueError('The codec cannot encode this value.', error)
  }
}

function decodeCount(text: string): number {
  if (!/^-?\d{1,16}$/.test(text)) throw new TypeError('The entry is no count.')
  return Number(text)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.isBuffer(bytes)
    ? bytes.toString()
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
