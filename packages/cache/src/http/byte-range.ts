/** A span of bytes, both ends included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

const ONE_RANGE = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i

/**
 * Reads a `Range` field against a body of `length` bytes (RFC 9110 14.1.2).
 *
 * `undefined` means: answer with the whole body. That is the case for another unit, for malformed text, and for several ranges
 * at once, which a server may always refuse to split. `'unsatisfiable'` means 416.
 */
export function selectRange(range: string, length: number): ByteRange | 'unsatisfiable' | undefined {
  const found = ONE_RANGE.exec(range)
  if (found === null) return undefined
  const [, from = '', to = ''] = found
  if (from === '') {
    if (to === '') return undefined
    const suffix = Number(to)
    if (suffix === 0 || length === 0) return 'unsatisfiable'
    return { first: Math.max(0, length - suffix), last: length - 1 }
  }
  const first = Number(from)
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1)
  if (to !== '' && Number(to) < first) return undefined
  return first >= length ? 'unsatisfiable' : { first, last }
}
