import { BlockList, isIP } from 'node:net'

const privateAddresses = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  privateAddresses.addSubnet(network, bits, 'ipv4')
}
privateAddresses.addAddress('::1', 'ipv6')
privateAddresses.addSubnet('fc00::', 7, 'ipv6')
privateAddresses.addSubnet('fe80::', 10, 'ipv6')

/** The endings of names that only private networks resolve. */
const PRIVATE_NAME = /^[^.]+$|\.(?:local|localhost|internal|intranet|lan|home\.arpa|svc|test)\.?$/i

/** Whether a host is, by its look, this machine or one of a private network. Names are not resolved. */
export function isPrivateHost(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return PRIVATE_NAME.test(host)
  return privateAddresses.check(host, version === 4 ? 'ipv4' : 'ipv6')
}
