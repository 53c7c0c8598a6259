import { createHash } from 'node:crypto'
import type { SlotKey } from '../cache-slots.js'
import { encodeParam } from '../keys/encode-param.js'
import { fieldMembers, type HeaderFields } from './header-fields.js'
import { selectFromRequest } from './request-selector.js'
import type { StoredHead } from './stored-response.js'

/** Whether a stored response answers a request as far as the fields it varies by go (RFC 9111 4.1). */
export function isSelected(stored: StoredHead, headers: HeaderFields): boolean {
  return stored.vary.length === 0 || variantOf(stored.vary, headers) === stored.variant
}

/**
 * Where the answer for other values of the varying fields lies.
 *
 * The first response under a key lies there itself, whatever it varies by; those for other values lie beside it. So a response
 * that does not vary, or only by what the key holds, costs one read.
 */
export function besideKey(key: SlotKey, stored: StoredHead, headers: HeaderFields): SlotKey {
  const digest = createHash('sha256').update(variantOf(stored.vary, headers)).digest('base64url')
  return { ...key, key: `${key.key}+${digest.slice(0, 22)}` }
}

/** Gives the fields that a response varies by beyond those the key holds and those that earlier middleware answers for. */
export function variedBy(response: HeaderFields, prior: HeaderFields, keyed: readonly string[]): string[] {
  const covered = new Set([...fieldMembers(prior.vary).map((name) => name.toLowerCase()), ...keyed])
  const names = fieldMembers(response.vary).map((name) => name.toLowerCase())
  return [...new Set(names)].filter((name) => !covered.has(name)).sort()
}

/** Gives the normalised values of these fields in a request, as one text that no other values give. */
export function variantOf(names: readonly string[], headers: HeaderFields): string {
  return names.map((name) => encodeParam(selectFromRequest(headers, name) ?? null, 'A header')).join(';')
}
