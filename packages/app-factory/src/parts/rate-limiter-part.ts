import { describeDuration } from '@plinth/config/units'
import type { Logger } from '@plinth/core'
import {
  createRateLimiter,
  disabledRateLimiter,
  memoryBackend,
  type RateLimitBackend,
  type RateLimiter,
  type RateLimitRules,
} from '@plinth/rate-limit'
import type { RateLimiterSettings } from '@plinth/rate-limit/config'
import type { Connections } from '../connections.js'
import type { Part } from '../part.js'
import { connectionSteps } from './connection-steps.js'

/** What the caller of the factory decides about rate limits; the rest comes from the environment. */
export type RateLimiterOptions = Partial<RateLimitRules>

/** Makes the rate limiter on the backend that the environment chose. A policy `default` is always there. */
export async function rateLimiterPart(
  settings: RateLimiterSettings,
  context: { readonly connections: Connections; readonly logger: Logger; readonly options: RateLimiterOptions },
): Promise<Part<RateLimiter>> {
  const { required } = settings
  if (!settings.enabled) return { name: 'rateLimiter', api: disabledRateLimiter(), enabled: false, required }
  const { backend, steps, target } = await backendOf(settings, context.connections)
  // nobody asked for it, so nobody has to use it
  const fallback = { routed: false, limits: [`${settings.defaultLimit}/${describeDuration(settings.defaultPeriodMs)}`] }
  const limiter = createRateLimiter<string, string>({
    ...context.options,
    policies: { default: fallback, ...context.options.policies },
    backend,
    onOutage: settings.onOutage,
    deadline: settings.deadlineMs,
    logger: context.logger,
    logOutages: false, // its state is told already
  })
  return {
    name: 'rateLimiter',
    api: limiter,
    enabled: true,
    required,
    backend: settings.backend,
    ...(target === undefined ? {} : { target }),
    ...steps,
    async selfTest() {
      for (const warning of await limiter.selfTest()) context.logger.warn({ component: 'rateLimiter' }, warning)
    },
    close: () => limiter.close(),
  }
}

interface ChosenBackend {
  readonly backend: RateLimitBackend
  readonly target?: string
  readonly steps?: Pick<Part, 'start' | 'watch'>
}

async function backendOf(settings: RateLimiterSettings, connections: Connections): Promise<ChosenBackend> {
  if (settings.redis !== undefined) {
    const { redisBackend } = await import('@plinth/rate-limit/redis')
    const connection = await connections.redis(settings.redis, 'rate-limiter')
    return { backend: redisBackend(connection), target: connection.target, steps: connectionSteps(connection) }
  }
  if (settings.memcached !== undefined) {
    const { memcachedBackend } = await import('@plinth/rate-limit/memcached')
    const connection = await connections.memcached(settings.memcached, 'rate-limiter')
    return { backend: memcachedBackend(connection), target: connection.target, steps: connectionSteps(connection) }
  }
  return { backend: memoryBackend() }
}
