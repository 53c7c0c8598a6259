import { type Duration, parseDuration } from '@plinth/config/units'
import { MisconfiguredError } from '@plinth/core'
import type { TaskBroker } from '../broker.js'
import { RabbitBroker } from './rabbitmq/rabbit-broker.js'

/** Which RabbitMQ, and how patient we are. */
export interface RabbitmqBrokerOptions {
  /** `amqp://user:password@host:5672/vhost`, or several nodes of one cluster, tried in turn. */
  readonly url: string | readonly string[]
  /** How long connecting may take. Default `'3s'`. */
  readonly connectTimeout?: Duration
  /** After two of these without a word the connection counts as lost. Default `'10s'`. */
  readonly heartbeat?: Duration
  /** Messages that wait for their confirmation at once; further enqueues wait their turn. Default 1000. */
  readonly maxInFlight?: number
  /** The largest input, in bytes of JSON. Default 1 MiB. */
  readonly maxPayloadBytes?: number
}

/**
 * Makes a broker that keeps tasks in RabbitMQ: quorum queues, confirmed and mandatory publishes, a ladder of queues for
 * delays, and a stream for everything else. It needs RabbitMQ 3.10 or later, no plugin, and the package `amqplib`.
 *
 * Nothing connects before it is used. What waits cannot be listed or debounced here; asking for it throws.
 *
 * @throws MisconfiguredError when a URL is not one.
 */
export function rabbitmqBroker(options: RabbitmqBrokerOptions): TaskBroker {
  const { url, connectTimeout = '3s', heartbeat = '10s', maxInFlight = 1000, maxPayloadBytes = 1_048_576 } = options
  const urls = typeof url === 'string' ? [url] : [...url]
  for (const one of urls) {
    if (URL.canParse(one) && /^amqps?:$/.test(new URL(one).protocol)) continue
    throw new MisconfiguredError(
      'url of rabbitmqBroker must be amqp:// or amqps://, with user name, password and virtual host.',
    )
  }
  if (urls.length === 0) throw new MisconfiguredError('rabbitmqBroker needs a url.')
  return new RabbitBroker({
    urls,
    connectMs: parseDuration(connectTimeout, 'connectTimeout of rabbitmqBroker'),
    heartbeatSeconds: Math.max(1, Math.round(parseDuration(heartbeat, 'heartbeat of rabbitmqBroker') / 1000)),
    maxInFlight,
    maxPayloadBytes,
  })
}
