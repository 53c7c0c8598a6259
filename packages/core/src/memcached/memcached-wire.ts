import { MemcachedArgumentError, MemcachedKeyError } from './memcached-errors.js'

/** The commands of the binary protocol that are used here. */
export const Opcode = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  increment: 0x05,
  decrement: 0x06,
  version: 0x0b,
  stats: 0x10,
  touch: 0x1c,
} as const

/** The answers of the binary protocol that are no failure. */
export const Status = { ok: 0x00, notFound: 0x01, exists: 0x02, notStored: 0x05 } as const

/** An expiry of all ones: `increment` and `decrement` then fail on a missing key instead of creating it. */
export const NEVER_CREATE = 0xffff_ffff

const LONGEST_KEY = 250
const LONGEST_RELATIVE_SECONDS = 30 * 24 * 60 * 60
const LATEST = 0xffff_fffe
const SAFE = Number.MAX_SAFE_INTEGER

/** Throws a {@link MemcachedKeyError} for a key that a server, or a text proxy before it, would not take. */
export function checkKey(key: string): void {
  if (key.length === 0) throw new MemcachedKeyError('must not be empty')
  if (Buffer.byteLength(key) > LONGEST_KEY) throw new MemcachedKeyError(`must not be longer than ${LONGEST_KEY} bytes`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0020\u007f]/.test(key))
    throw new MemcachedKeyError('must not contain white space or control characters')
}

/**
 * Turns a TTL in milliseconds into an expiry of the protocol, rounded up to whole seconds.
 *
 * Up to 30 days that is a count of seconds; a larger count would be read as a date long past, so a longer TTL is sent as
 * the date that it means by the server's clock.
 */
export function expiryOf(ttlMs: number | undefined, serverNowMs: number): number {
  if (ttlMs === undefined) return 0
  if (!(ttlMs > 0)) throw new MemcachedArgumentError('A TTL must be more than 0 milliseconds.')
  const seconds = Math.max(1, Math.ceil(ttlMs / 1000))
  if (seconds <= LONGEST_RELATIVE_SECONDS) return seconds
  return Math.min(LATEST, Math.ceil(serverNowMs / 1000) + seconds)
}

/** The extras of a store: flags and expiry. */
export function storeExtras(expiry: number): Buffer {
  const extras = Buffer.alloc(8)
  extras.writeUInt32BE(expiry, 4)
  return extras
}

/** The extras of a touch: the expiry. */
export function touchExtras(expiry: number): Buffer {
  const extras = Buffer.alloc(4)
  extras.writeUInt32BE(expiry, 0)
  return extras
}

/** The extras of a counter: amount and initial value in 64 bits, expiry. */
export function counterExtras(amount: number, initial: number, expiry: number): Buffer {
  for (const value of [amount, initial]) {
    if (!Number.isInteger(value) || value < 0 || value > SAFE) {
      throw new MemcachedArgumentError('A counter takes whole numbers up to 2^53 - 1.')
    }
  }
  const extras = Buffer.alloc(20)
  extras.writeBigUInt64BE(BigInt(amount), 0)
  extras.writeBigUInt64BE(BigInt(initial), 8)
  extras.writeUInt32BE(expiry, 16)
  return extras
}

/** The counter in an answer. memjs reads only its lower half rightly. */
export function readCounter(value: Buffer): number {
  return Number(value.readBigUInt64BE(0))
}
