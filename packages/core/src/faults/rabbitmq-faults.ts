import type { FaultRule } from './fault.js'
import { networkFaults } from './network-faults.js'

/** What RabbitMQ (by AMQP reply code) and amqplib say when something is wrong. */
export const rabbitmqFaults: readonly FaultRule[] = [
  {
    id: 'rabbitmq/access-refused',
    kind: 'misconfigured',
    message: /ACCESS[_-]REFUSED/,
    remedy: 'Check the user name and the password in {address}, and the permissions of the user on this virtual host.',
  },
  {
    id: 'rabbitmq/virtual-host',
    kind: 'misconfigured',
    message: /NOT[_-]ALLOWED|Expected ConnectionOpenOk; got <ConnectionClose/,
    remedy: 'Check the virtual host in {address} (`/` is written `%2F`), and that the user may use it.',
  },
  { id: 'rabbitmq/acknowledged-twice', kind: 'bug', message: /PRECONDITION[_-]FAILED - unknown delivery tag/ },
  {
    id: 'rabbitmq/topology',
    kind: 'misconfigured',
    message: /PRECONDITION[_-]FAILED/,
    callOnly: true,
    remedy: 'A queue or an exchange of this name exists with other arguments: delete it, or choose another prefix.',
  },
  {
    id: 'rabbitmq/not-rabbitmq',
    kind: 'misconfigured',
    message: /^(Frame size \d+ exceeds|Invalid frame|Expected ConnectionStart)/,
    remedy: 'Something else than RabbitMQ answers there: check {address} (port 5672, or 5671 with TLS).',
  },
  { id: 'rabbitmq/not-found', kind: 'bug', message: /NOT[_-]FOUND/ },
  { id: 'rabbitmq/locked', kind: 'outage', message: /RESOURCE[_-]LOCKED/, callOnly: true },
  { id: 'rabbitmq/resource', kind: 'outage', message: /RESOURCE[_-]ERROR|INTERNAL[_-]ERROR/ },
  { id: 'rabbitmq/shutdown', kind: 'outage', message: /CONNECTION[_-]FORCED/ },
  { id: 'rabbitmq/nacked', kind: 'outage', message: /^message nacked/, callOnly: true },
  { id: 'rabbitmq/timeout', kind: 'outage', message: /^(connect ETIMEDOUT|Heartbeat timeout)/ },
  {
    id: 'rabbitmq/closed',
    kind: 'outage',
    message: /^(channel closed|connection closed|channel ended|socket closed|unexpected close)/i,
  },
  ...networkFaults,
]
