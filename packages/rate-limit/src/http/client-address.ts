import { parseIp } from './ip-address.js'

/** Where a request came from, as far as it can be trusted. */
export interface AddressFacts {
  readonly peer?: string | undefined
  readonly forwardedFor?: string | undefined
}

/**
 * The client's address: the socket's other end, or what the outermost of `trustedHops` proxies saw.
 *
 * Each proxy appends the address it was called from to `X-Forwarded-For`, so only the last `trustedHops` entries were
 * written by proxies of ours; everything before them is whatever the client sent. An entry that is no address ends the
 * trust there. `undefined` when not even the peer is known, as on a Unix socket.
 */
export function clientAddress({ peer, forwardedFor }: AddressFacts, trustedHops: number): string | undefined {
  const direct = parseIp(peer ?? '')
  if (trustedHops === 0 || forwardedFor === undefined) return direct?.text
  const hops = forwardedFor.slice(-LONGEST).split(',').reverse().slice(0, trustedHops)
  let address = direct?.text
  for (const hop of hops) {
    const parsed = parseIp(hop.trim())
    if (parsed === undefined) break
    address = parsed.text
  }
  return address
}

/** No chain of trusted proxies needs more of the header. */
const LONGEST = 2048
