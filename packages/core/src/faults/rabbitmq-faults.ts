import type { FaultRule } from './fault.js'
import { networkFaults } from './network-faults.js'

/** What RabbitMQ (by AMQP reply code) and amqplib say when something is wrong. */
export const rabbitmqFaults: readonly FaultRule[] = [
  {
    id: 'rabbitmq/access-refused',
    kind: 'misconfigured',
    message: /ACCESS[_-]REFUSED|\b403\b/,
    remedy: 'Check the user name and the password in {address}, and the permissions of the user on this virtual host.',
  },
  {
    id: 'rabbitmq/virtual-host',
    kind: 'misconfigured',
    message: /NOT[_-]ALLOWED|\b530\b|vhost .* not found/,
    remedy: 'Check the virtual host in {address} (`/` is written `%2F`).',
  },
  {
    id: 'rabbitmq/topology',
    kind: 'misconfigured',
    message: /PRECONDITION[_-]FAILED.*(inequivalent arg|unknown delivery tag)?/,
    callOnly: true,
    remedy: 'A queue of this name exists with other arguments: delete it, or choose another prefix.',
  },
  {
    id: 'rabbitmq/old-server',
    kind: 'misconfigured',
    message: /NOT[_-]IMPLEMENTED|\b540\b/,
    remedy: 'The server is too old for this: RabbitMQ 3.10 is the least.',
  },
  {
    id: 'rabbitmq/not-rabbitmq',
    kind: 'misconfigured',
    message:
      /^(Expected ConnectionStart|Invalid frame|Frame size exceeds|Socket closed abruptly during opening handshake with a different protocol)/,
    remedy: 'Something else than RabbitMQ answers there: check {address} (port 5672, or 5671 with TLS).',
  },
  { id: 'rabbitmq/not-found', kind: 'bug', message: /NOT[_-]FOUND|\b404\b/ },
  { id: 'rabbitmq/shutdown', kind: 'outage', message: /CONNECTION[_-]FORCED|\b320\b/ },
  { id: 'rabbitmq/resource', kind: 'outage', message: /RESOURCE[_-]ERROR|RESOURCE[_-]LOCKED|\b506\b|\b405\b/ },
  { id: 'rabbitmq/internal', kind: 'outage', message: /INTERNAL[_-]ERROR|\b541\b/ },
  { id: 'rabbitmq/heartbeat', kind: 'outage', message: /[Hh]eartbeat timeout/ },
  {
    id: 'rabbitmq/closed',
    kind: 'outage',
    message:
      /^(Channel closed|channel closed|Connection closed|Socket closed|connect ETIMEDOUT|Channel ended|Connection ended|Unexpected close|Connection lost)/,
  },
  { id: 'rabbitmq/nacked', kind: 'outage', message: /^message nacked/, callOnly: true },
  ...networkFaults,
]
