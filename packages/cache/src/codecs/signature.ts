import { createHmac, timingSafeEqual } from 'node:crypto'

const LENGTH = 16

/**
 * Signs bodies, so that whoever can write to the store cannot make the app believe what it did not write.
 *
 * The first secret signs, every secret verifies: add a new one in front, and drop the old one when its entries have expired.
 * Truncated HMAC-SHA-256 (RFC 2104, section 5).
 */
export class Signer {
  readonly #secrets: readonly string[]

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets
  }

  /** `context` is what the body must not be moved away from, such as its key. */
  sign(bytes: Uint8Array, context: string): Buffer {
    return Buffer.concat([mac(this.#secrets[0] as string, bytes, context), bytes])
  }

  /** Gives the bytes that were signed. Throws when no secret fits. */
  verify(signed: Uint8Array, context: string): Uint8Array {
    const [given, bytes] = [signed.subarray(0, LENGTH), signed.subarray(LENGTH)]
    const fits = (secret: string): boolean => timingSafeEqual(mac(secret, bytes, context), given)
    if (given.byteLength !== LENGTH || !this.#secrets.some(fits)) throw new TypeError('The signature does not fit.')
    return bytes
  }
}

function mac(secret: string, bytes: Uint8Array, context: string): Buffer {
  const hash = createHmac('sha256', secret)
  return hash.update(`${context.length}:${context}`).update(bytes).digest().subarray(0, LENGTH)
}
