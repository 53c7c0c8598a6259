/** Turns values into bytes and back. */
export interface Codec {
  /** Tells entries of different codecs apart in a shared store: a number from 17 to 255 (16 is `msgpackrCodec`), for ever the same. */
  readonly id: number
  /** @throws anything, for a value it cannot turn into bytes; the cache wraps it into a `CacheValueError`. */
  encode(value: unknown): Uint8Array
  /**
   * The bytes may be read for several callers: nothing of the value may be a view of them.
   *
   * @throws anything, for bytes that it did not make; the entry then counts as missing and is removed.
   */
  decode(bytes: Uint8Array): unknown
}
