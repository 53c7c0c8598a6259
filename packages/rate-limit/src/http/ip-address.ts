/** An address in one spelling, whatever it was written as. */
export interface IpAddress {
  readonly version: 4 | 6
  /** Dotted for v4; eight groups in lower-case hexadecimal without leading zeros for v6. */
  readonly text: string
  /** The bytes as 16-bit groups: 2 for v4, 8 for v6. */
  readonly groups: readonly number[]
}

/**
 * Reads an IP address, or answers `undefined`.
 *
 * Accepts brackets, a port, and a zone (dropped). An IPv4 address inside IPv6 (`::ffff:192.0.2.1`, `::ffff:c000:201`) is
 * that IPv4 address: two spellings of one host never count apart, and two hosts never together.
 */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > 64) return undefined
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1]
  const bare = (bracketed ?? text).replace(/%.*$/s, '')
  if (bracketed === undefined && /^[\d.]+(?::\d{1,5})?$/.test(bare)) return parseV4(bare.replace(/:.*$/, ''))
  const groups = parseV6(bare)
  if (groups === undefined) return undefined
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  return isMapped
    ? v4Of(groups.slice(6))
    : { version: 6, text: groups.map((one) => one.toString(16)).join(':'), groups }
}

/** The network that an address counts as: the address itself for v4, the first `prefix` bits for v6, such as `2001:db8:0:0::/64`. */
export function networkOf(address: IpAddress, prefix: number): string {
  if (address.version === 4 || prefix >= 128) return address.text
  const groups = address.groups.map((group, i) => {
    const bits = Math.max(0, Math.min(16, prefix - i * 16))
    return group & ((0xffff << (16 - bits)) & 0xffff)
  })
  const kept = groups.slice(0, Math.ceil(prefix / 16)).map((group) => group.toString(16))
  return `${kept.join(':')}::/${prefix}`
}

function parseV4(text: string): IpAddress | undefined {
  const bytes = text.split('.')
  if (bytes.length !== 4 || !bytes.every((byte) => /^(?:0|[1-9]\d{0,2})$/.test(byte) && Number(byte) <= 255))
    return undefined
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
  return { version: 4, text, groups: [a * 256 + b, c * 256 + d] }
}

function v4Of(groups: readonly number[]): IpAddress {
  return { version: 4, text: groups.flatMap((group) => [group >> 8, group & 0xff]).join('.'), groups }
}

function parseV6(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => groupsOf(half))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined) return missing === 0 ? head : undefined
  return missing >= 1 ? [...head, ...Array.from({ length: missing }, () => 0), ...tail] : undefined
}

/** The groups of one side of `::`, whose last may be a dotted IPv4 address. */
function groupsOf(half: string): readonly number[] | undefined {
  if (half === '') return []
  const words = half.split(':')
  const last = words.at(-1) ?? ''
  const embedded = last.includes('.') ? parseV4(last)?.groups : undefined
  if (last.includes('.') && embedded === undefined) return undefined
  const plain = embedded === undefined ? words : words.slice(0, -1)
  if (!plain.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined
  return [...plain.map((word) => Number.parseInt(word, 16)), ...(embedded ?? [])]
}
