import { clientAddress } from './client-address.js'
import { networkOf, parseIp } from './ip-address.js'
import type { RequestFacts } from './request-facts.js'

/** Whose budget a request is charged to. */
export interface Identity {
  /** `user:…`, `key:…` or `ip:…`: kinds never share a budget. */
  readonly subject: string
  readonly tier: string | undefined
}

/** How addresses become identities. */
export interface IdentityOptions {
  /** How many proxies of ours stand in front. Default 0: believe the socket only. */
  readonly trustedHops?: number
  /** How many bits of an IPv6 address count: a customer usually has a whole /64. Default 64. */
  readonly ipv6Prefix?: number
}

/** The signed-in principal, else the verified API key, else the address. Callers without any of these share one budget. */
export function identifyCaller(facts: RequestFacts, options: IdentityOptions = {}): Identity {
  const { principal, apiKey } = facts
  if (principal !== undefined) return { subject: `user:${principal.id}`, tier: principal.tier }
  if (apiKey !== undefined) return { subject: `key:${apiKey.id}`, tier: apiKey.tier }
  return { subject: identifyAddress(facts, options), tier: undefined }
}

/** The address alone, as a subject, whoever is signed in: what logins are limited by. */
export function identifyAddress(
  facts: RequestFacts,
  { trustedHops = 0, ipv6Prefix = 64 }: IdentityOptions = {},
): string {
  const address = parseIp(clientAddress(facts, trustedHops) ?? '')
  return `ip:${address === undefined ? 'unknown' : networkOf(address, ipv6Prefix)}`
}
