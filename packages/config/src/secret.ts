import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** The mark by which copies of this package know each other's secrets. */
const BRAND: symbol = Symbol.for('@plinth/config/secret')

/**
 * A value that must not be seen: it shows as `[redacted]` in templates, JSON, `console.log` and `inspect`, and only
 * {@link Secret.reveal} hands it out.
 *
 * A structured clone of a secret is empty.
 */
export class Secret<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
    Object.defineProperty(this, BRAND, { value: true })
    Object.freeze(this)
  }

  /** Gives the value itself. Call it where the value is used, as late as possible, and keep no copy. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [Symbol.toPrimitive](): string {
    return REDACTED
  }

  static {
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => REDACTED })
  }
}

/** Tells whether a value is a {@link Secret}, also one made by another copy of this package. */
export function isSecret(value: unknown): value is Secret<unknown> {
  return typeof value === 'object' && value !== null && BRAND in value
}

/** Gives the value of what may be given plainly or as a {@link Secret}, such as a password among options. */
export function reveal<T>(value: T | Secret<T>): T {
  return isSecret(value) ? (value as Secret<T>).reveal() : value
}
