import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** From which size on bodies are compressed, and how large they may become again. Bytes. */
export interface CompressionBounds {
  readonly above: number
  readonly maxBytes: number
}

/** Gives the compressed bytes, or `undefined` when they are few, or not worth it (a tenth must be saved). */
export function compress(bytes: Uint8Array, { above }: CompressionBounds): Buffer | undefined {
  if (bytes.byteLength < above) return undefined
  const small = deflateRawSync(bytes, { level: 1 })
  return small.byteLength < bytes.byteLength * 0.9 ? small : undefined
}

/** Gives the bytes again. Throws when they are damaged, or more than the bound: a small entry must not fill the memory. */
export function decompress(bytes: Uint8Array, { maxBytes }: CompressionBounds): Buffer {
  return inflateRawSync(bytes, { maxOutputLength: maxBytes })
}
