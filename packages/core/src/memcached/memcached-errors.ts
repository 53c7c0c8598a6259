import { InfraError } from '../infra-error.js'

/** A key that Memcached does not take. The message never shows the key: it may hold user text. */
export class MemcachedKeyError extends InfraError {
  override readonly name: string = 'MemcachedKeyError'

  constructor(why: string) {
    super('MEMCACHED_KEY_INVALID', `A Memcached key ${why}.`)
  }
}

/** A value larger than the server takes; it was not sent, because the server would drop the connection of everyone. */
export class MemcachedValueTooLargeError extends InfraError {
  override readonly name: string = 'MemcachedValueTooLargeError'

  constructor(bytes: number, limit: number) {
    super(
      'MEMCACHED_VALUE_TOO_LARGE',
      `A value of ${bytes} bytes is more than Memcached takes (${limit} bytes). Store less, compress it, or start the server with a larger -I.`,
    )
  }
}

/** A number that Memcached cannot take: a TTL that is not positive, an amount beyond its range. */
export class MemcachedArgumentError extends InfraError {
  override readonly name: string = 'MemcachedArgumentError'

  constructor(why: string) {
    super('MEMCACHED_ARGUMENT_INVALID', why)
  }
}

/** What a server answered instead of success: `code` is the status of the binary protocol. */
export class MemcachedStatusError extends Error {
  override readonly name: string = 'MemcachedStatusError'
  readonly code: number

  constructor(code: number) {
    super(`Memcached answered with status 0x${code.toString(16).padStart(2, '0')} (${STATUS[code] ?? 'unknown'}).`)
    this.code = code
  }
}

const STATUS: Readonly<Record<number, string>> = {
  3: 'value too large',
  4: 'invalid arguments',
  5: 'not stored',
  6: 'not a number',
  32: 'authentication failed',
  33: 'authentication continues',
  129: 'unknown command',
  130: 'out of memory',
  131: 'not supported',
  132: 'internal error',
  133: 'busy',
  134: 'temporary failure',
}
