import { type Cache, disabledCache } from '@plinth/cache'
import { type CompleteHost, type ComponentHost, completeHost } from '@plinth/core'
import { disabledRateLimiter, type RateLimiter } from '@plinth/rate-limit'

/** What requests are cached and limited by: the app factory's `Infra`, or a cache and a limiter of your own. What is absent does nothing. */
export interface PlinthHost extends ComponentHost<Cache, RateLimiter> {}

/** Puts null objects in the place of what is absent. */
export function completePlinthHost(host: PlinthHost): CompleteHost<Cache, RateLimiter> {
  return completeHost(host, { cache: disabledCache, rateLimiter: () => disabledRateLimiter() })
}
