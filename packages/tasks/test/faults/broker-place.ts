import type { TaskBroker } from '../../src/broker.js'
import { rabbitmqBroker } from '../../src/brokers/rabbitmq.js'
import { redisBroker } from '../../src/brokers/redis.js'

/** A place where tasks wait that nobody else uses, in a form that can be handed to a child process. */
export interface BrokerPlace {
  readonly kind: 'redis' | 'rabbitmq'
  readonly url: string
  /** Of the keys in Redis. */
  readonly prefix?: string
  /** Makes Redis notice the death of a worker sooner than by default. Of no effect on RabbitMQ, which is told at once. */
  readonly hasty?: boolean
}

/** Makes a broker over a place, as every process of a test does for itself. */
export function brokerAt({ kind, url, prefix = 'plinth', hasty = false }: BrokerPlace): TaskBroker {
  if (kind === 'rabbitmq') return rabbitmqBroker({ url })
  return redisBroker({ url, prefix, db: 3, ...(hasty ? { lock: '1500ms', stalledCheck: '400ms' } : {}) })
}
