import { type EmailStore, redisStore } from '@plinth/email'
import type { InfraConfig } from './config.js'
import type { Connections } from './connections.js'

/**
 * Lends email a Redis that the app uses anyway, so that every process knows which keys were sent and who is suppressed:
 * that of the tasks if there is one (it must not evict), else that of the limiter, else that of the cache.
 */
export async function sharedEmailStore(config: InfraConfig, connections: Connections): Promise<EmailStore | undefined> {
  if (!config.email.enabled) return undefined
  const users = [config.tasks, config.rateLimiter, config.cache]
  const redis = users.find((settings) => settings.enabled && settings.redis !== undefined)?.redis
  return redis === undefined ? undefined : redisStore(await connections.redis(redis, 'email'))
}
