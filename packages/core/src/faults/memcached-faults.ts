import type { FaultRule } from './fault.js'
import { networkFaults } from './network-faults.js'

/** What Memcached answers in its binary protocol (the code is the status of the answer), and what memjs says. */
export const memcachedFaults: readonly FaultRule[] = [
  {
    id: 'memcached/authentication',
    kind: 'misconfigured',
    codes: [0x20, 0x21],
    remedy: 'Check the user name and {password} (SASL), or set them.',
  },
  {
    id: 'memcached/authentication',
    kind: 'misconfigured',
    message: /authentication failed/i,
    remedy: 'Check the user name and {password} (SASL), or set them.',
  },
  {
    id: 'memcached/unknown-command',
    kind: 'misconfigured',
    codes: [0x81, 0x83],
    remedy: 'The server does not speak the binary protocol of Memcached (start it without `-B ascii`).',
  },
  { id: 'memcached/too-large', kind: 'bug', codes: [0x03] },
  { id: 'memcached/invalid-arguments', kind: 'bug', codes: [0x04] },
  { id: 'memcached/not-a-counter', kind: 'bug', codes: [0x06] },
  { id: 'memcached/out-of-memory', kind: 'outage', codes: [0x82], callOnly: true },
  { id: 'memcached/internal', kind: 'outage', codes: [0x84, 0x85, 0x86] },
  { id: 'memcached/timeout', kind: 'outage', message: /^socket timed out/ },
  ...networkFaults,
]
