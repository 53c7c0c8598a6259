/** A value as a store keeps it. */
export interface Packed {
  readonly body: unknown
  readonly size: number
  readonly format: number
}

/** How values become bodies of entries and bodies become values again. `key` is where the entry stands. */
export interface Packing {
  /** @throws CacheValueError when the value cannot be kept. */
  pack(value: unknown, key: string): Packed
  /** Throws when the body is not what {@link Packing.pack} made for this key. */
  unpack(body: unknown, format: number, key: string): unknown
}

/** Formats of bodies. The low byte says what it is, the high byte what was done to it. `COUNT_FORMAT` is 0. */
export const FORMATS = {
  count: 0,
  /** Bytes of an adapter, as they are. */
  bytes: 1,
  /** Kept as a value, in this process. */
  value: 2,
  /** The loader answered `undefined`. */
  nothing: 3,
  json: 4,
  typedJson: 5,
  deflated: 0x100,
  signed: 0x200,
} as const
