import type { Duration } from '@plinth/config/units'
import type { TaskBroker } from '../broker.js'
import { checkOptions, DURATION, durationOf, either, type Kinds, LIST, TEXT, wholeFrom } from '../option-checks.js'
import { TaskDefinitionError } from '../task-errors.js'
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

const KINDS = {
  url: either(TEXT, LIST),
  connectTimeout: DURATION,
  heartbeat: DURATION,
  maxInFlight: wholeFrom(1),
  maxPayloadBytes: wholeFrom(1),
} satisfies Kinds<RabbitmqBrokerOptions>
/** RabbitMQ takes seconds, in two bytes. */
const LONGEST_HEARTBEAT_MS = 65_535_000

/**
 * Makes a broker that keeps tasks in RabbitMQ: quorum queues, confirmed and mandatory publishes, a ladder of queues for
 * delays, and a stream for everything else. It needs RabbitMQ 3.10 or later, no plugin, and the package `amqplib`.
 *
 * Nothing connects before it is used. What waits cannot be listed or debounced here; asking for it throws.
 *
 * @throws TaskDefinitionError when a URL is not one, for an option that does not exist, and for one that is not of its kind.
 */
export function rabbitmqBroker(options: RabbitmqBrokerOptions): TaskBroker {
  checkOptions(options, KINDS, 'rabbitmqBroker')
  const {
    url = [],
    connectTimeout = '3s',
    heartbeat = '10s',
    maxInFlight = 1000,
    maxPayloadBytes = 1_048_576,
  } = options
  const urls = typeof url === 'string' ? [url] : [...url]
  for (const one of urls) {
    if (URL.canParse(one) && /^amqps?:$/.test(new URL(one).protocol)) continue
    throw new TaskDefinitionError(
      'url of rabbitmqBroker must be amqp:// or amqps://, with user name, password and virtual host.',
    )
  }
  if (urls.length === 0) {
    throw new TaskDefinitionError("rabbitmqBroker needs a url, such as 'amqp://user:password@127.0.0.1:5672/vhost'.")
  }
  // Half a second would round to none, which means that nobody looks.
  const heartbeatMs = durationOf(heartbeat, 'heartbeat of rabbitmqBroker', 1000)
  if (heartbeatMs > LONGEST_HEARTBEAT_MS) {
    throw new TaskDefinitionError('heartbeat of rabbitmqBroker must be at most 18h.')
  }
  return new RabbitBroker({
    urls,
    connectMs: durationOf(connectTimeout, 'connectTimeout of rabbitmqBroker', 1),
    heartbeatSeconds: Math.round(heartbeatMs / 1000),
    maxInFlight,
    maxPayloadBytes,
  })
}
