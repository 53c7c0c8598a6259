import { type Condition, type Group, group, type SharedVariable, url } from '@plinth/config'
import type { Secret } from '@plinth/config/secret'

/** The RabbitMQ of every component that names none of its own. */
export const sharedRabbitmqUrl: SharedVariable = {
  env: 'RABBITMQ_URL',
  meaning: 'The RabbitMQ of every component that names none of its own.',
  example: 'amqp://127.0.0.1:5672',
}

/** How to reach the RabbitMQ of one component, and which variable said so. */
export interface RabbitmqSettings {
  readonly url: Secret
  /** The variable to name when the address or the password turns out to be wrong. */
  readonly variable: string
}

/** Options of {@link rabbitmqGroup}. */
export interface RabbitmqGroupOptions {
  /** Whose RabbitMQ it is, in prose: `the tasks`. */
  readonly of: string
  /** The beginning of the variables: `TASKS` for `TASKS_RABBITMQ_URL`. */
  readonly prefix: string
  /** When the component uses RabbitMQ. */
  readonly when: Condition
}

/** Describes the RabbitMQ of one component: its own URL, or else the shared one, or else the one on this machine. */
export function rabbitmqGroup({ of, prefix, when }: RabbitmqGroupOptions): Group<RabbitmqSettings> {
  return group({
    when,
    fields: {
      url: url(`${prefix}_RABBITMQ_URL`, {
        meaning: `The RabbitMQ of ${of}, with user name, password and virtual host.`,
        schemes: ['amqp', 'amqps'],
        default: 'amqp://127.0.0.1:5672',
        example: 'amqps://user:password@rabbitmq.internal:5671/vhost',
        shared: sharedRabbitmqUrl,
      }),
    },
    resolve: (values, reading) => ({ url: values.url, variable: reading.variable('url') }),
  })
}
