import { createHash } from 'node:crypto'
import { addressKey } from './address.js'

/**
 * Gives what stands for an address where the address itself must not be kept: 43 characters of its SHA-256.
 *
 * It hides an address from whoever looks, not from whoever guesses it: keep it as you keep other personal data.
 */
export function addressHash(address: string): string {
  return createHash('sha256').update(addressKey(address)).digest('base64url')
}
