import { domainToASCII } from 'node:url'
import { invalid, oneLine } from './plain-text.js'

/** One mailbox and the name shown for it. Always one: a comma, a line break or a second `@` is refused, never parsed. */
export interface EmailAddress {
  readonly address: string
  readonly name?: string | undefined
}

/** An address as callers give it: an object, or the bare address as text (`'ada@example.com'`, never `'Ada <ada@…>'`). */
export type AddressInput = EmailAddress | string

/** One recipient or several. */
export type Recipients = AddressInput | readonly AddressInput[]

const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const ASCII_DOMAIN = /^[a-z0-9.-]+$/i
const DOMAIN_CHARACTERS = /^[a-z0-9.\u0080-\u{10ffff}-]+$/iu
const NAME_LIMIT = 200

/**
 * Checks one address and gives it as every transport may take it: an ASCII local part and a lower-case ASCII domain
 * (an international domain in its `xn--` form).
 *
 * Quoted local parts, comments, address literals and non-ASCII local parts are refused: providers do not take them,
 * and parsers disagree about them.
 *
 * @param field names it in the error, such as `to[2]`; the error never quotes the address.
 * @throws EmailError of kind `invalid`.
 */
export function parseAddress(input: AddressInput, field: string): EmailAddress {
  if (typeof input === 'string') return Object.freeze({ address: mailbox(input, field) })
  if (typeof input !== 'object' || input === null) throw invalid(field, 'must be an address or { address, name }')
  const address = mailbox(input.address, `${field}.address`)
  const name = input.name === undefined ? '' : oneLine(input.name, `${field}.name`, NAME_LIMIT).trim()
  return Object.freeze(name === '' ? { address } : { address, name })
}

/** Checks one address or a list of them; an absent value is an empty list. */
export function parseRecipients(input: Recipients | undefined, field: string): readonly EmailAddress[] {
  if (input === undefined) return []
  if (!Array.isArray(input)) return [parseAddress(input as AddressInput, field)]
  return Array.from(input as readonly AddressInput[], (one, index) => parseAddress(one, `${field}[${index}]`))
}

/**
 * Gives the text by which two addresses are the same mailbox: all in lower case, as providers compare them.
 */
export function addressKey(address: string): string {
  return address.toLowerCase()
}

/**
 * Gives an address as one line, such as `"Ada Lovelace" <ada@example.com>`.
 *
 * Quotes and backslashes in the name are replaced, so that inside the quotes every parser agrees on where the name ends.
 */
export function formatAddress({ address, name }: EmailAddress): string {
  return name === undefined ? address : `"${name.replaceAll('"', "'").replaceAll('\\', '/')}" <${address}>`
}

function mailbox(input: unknown, field: string): string {
  const address = oneLine(input, field, 254)
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at)
  if (at < 1 || local.length > 64 || !LOCAL.test(local)) throw invalid(field, 'is not a plain email address')
  const result = `${local}@${domain(address.slice(at + 1), field)}`
  if (result.length > 254) throw invalid(field, 'is longer than 254 characters')
  return result
}

function domain(text: string, field: string): string {
  // domainToASCII parses like a browser (`a.example/path`, `%2c`, `0x7f.1`), so only what can be a name reaches it.
  if (!DOMAIN_CHARACTERS.test(text)) throw invalid(field, 'has a domain with characters that no domain has')
  const ascii = ASCII_DOMAIN.test(text) ? text.toLowerCase() : domainToASCII(text)
  const labels = ascii.split('.')
  if (ascii === '' || !labels.every((label) => LABEL.test(label))) throw invalid(field, 'has no valid domain')
  if (/^\d+$/.test(labels.at(-1) ?? '')) throw invalid(field, 'has a number where a domain is needed')
  return ascii
}
