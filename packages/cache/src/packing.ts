import { keep, unkeep } from './values/snapshot.js'

/** A value as a store keeps it. */
export interface Packed {
  readonly body: unknown
  readonly size: number
  readonly format: number
}

/** How values become bodies of entries and bodies become values again. */
export interface Packing {
  /** @throws CacheValueError when the value cannot be kept. */
  pack(value: unknown): Packed
  /** Throws when the body is not what {@link Packing.pack} made. */
  unpack(body: unknown, format: number): unknown
}

/** Formats of bodies that a cache writes; `COUNT_FORMAT` is 0. */
export const FORMATS = { count: 0, bytes: 1, value: 2, nothing: 3 } as const

/** For stores that keep values: private copies, no encoding. */
export const valuePacking: Packing = {
  pack(value) {
    const { body, size } = keep(value)
    return { body, size, format: Number.isSafeInteger(value) ? FORMATS.count : FORMATS.value }
  },
  unpack: unkeep,
}
