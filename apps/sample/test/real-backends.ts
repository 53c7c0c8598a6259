import {
  closeWithFile,
  freshRedis,
  freshVhost,
  type PostgresServer,
  startMemcached,
  startPostgres,
} from '@plinth/testing'
import { TestSmtpServer } from '@plinth/testing/smtp'

/** Servers that the processes of one deployment share. */
export interface RealBackends {
  /** What chooses them, as an operator would set it. */
  readonly env: Readonly<Record<string, string>>
  /** Where the mail arrives. */
  readonly mail: TestSmtpServer
}

/** The combinations that the story is told on. */
export const combinations = ['Redis everywhere', 'Memcached and RabbitMQ'] as const

export type Combination = (typeof combinations)[number]

/** Starts, or borrows, what a combination needs. All of it ends with the test file. */
export async function startBackends(combination: Combination): Promise<RealBackends> {
  const [postgres, mail] = await Promise.all([startPostgres(), new TestSmtpServer().listen()])
  closeWithFile(() => closeAll(postgres, mail))
  const chosen = combination === 'Redis everywhere' ? await redisEverywhere() : await memcachedAndRabbitmq()
  return {
    mail,
    env: {
      // A busy machine is no outage: sign-ups are refused while they cannot be counted.
      RATE_LIMITER_DEADLINE: '5s',
      DATABASE_URL: postgres.url,
      EMAIL_TRANSPORT: 'smtp',
      EMAIL_SMTP_URL: mail.url(),
      EMAIL_SENDER_ADDRESS: 'hello@example.com',
      ...chosen,
    },
  }
}

async function redisEverywhere(): Promise<Record<string, string>> {
  const { url } = await freshRedis()
  return { REDIS_URL: url, CACHE_BACKEND: 'redis', RATE_LIMITER_BACKEND: 'redis', TASKS_BROKER: 'redis' }
}

async function memcachedAndRabbitmq(): Promise<Record<string, string>> {
  const memcached = await startMemcached()
  closeWithFile(() => memcached.close())
  return {
    MEMCACHED_SERVERS: `127.0.0.1:${memcached.port}`,
    CACHE_BACKEND: 'memcached',
    RATE_LIMITER_BACKEND: 'memcached',
    TASKS_BROKER: 'rabbitmq',
    RABBITMQ_URL: await freshVhost(),
  }
}

async function closeAll(postgres: PostgresServer, mail: TestSmtpServer): Promise<void> {
  await mail.close()
  await postgres.close()
}
