import { FORMATS, type Packing } from './packing.js'
import { keep, unkeep } from './values/snapshot.js'

/** For stores that keep values: private copies, no encoding. */
export const valuePacking: Packing = {
  pack(value) {
    if (value === undefined) return NOTHING
    const { body, size } = keep(value)
    return { body, size, format: Number.isSafeInteger(value) && !Object.is(value, -0) ? FORMATS.count : FORMATS.value }
  },
  unpack: unkeep,
}

const NOTHING = { body: undefined, size: 0, format: FORMATS.nothing }
