import { type Cache, disabledCache } from '@plinth/cache'
import type { InfraHost } from '@plinth/core'
import { disabledRateLimiter, type RateLimiter } from '@plinth/rate-limit'

/**
 * What requests are cached and limited by. The app factory's `Infra` is one; so is a cache and a limiter of your own.
 *
 * What is absent does nothing: routes that ask for it are served as if it were switched off.
 */
export interface PlinthHost extends Partial<Pick<InfraHost, 'phase' | 'fetch' | 'beginDrain'>> {
  readonly cache?: Cache
  readonly rateLimiter?: RateLimiter
  /** Where the app factory keeps what the environment said. */
  readonly config?: {
    readonly clientCache: { readonly enabled: boolean; readonly maxAgeMs: number }
  }
}

/** A {@link PlinthHost} as the adapter works with it: nothing is absent. */
export interface CompleteHost {
  readonly host: PlinthHost
  readonly cache: Cache
  readonly rateLimiter: RateLimiter
  /** `CLIENT_CACHE_MAX_AGE`; `undefined` while client caching is switched off. */
  readonly clientMaxAgeMs: number | undefined
}

/** How long clients may keep an answer when nobody says so, as `CLIENT_CACHE_MAX_AGE` has it. */
const CLIENT_MAX_AGE_MS = 60_000

/** Puts null objects in the place of what is absent. */
export function completeHost(host: PlinthHost): CompleteHost {
  const client = host.config?.clientCache
  return {
    host,
    cache: host.cache ?? disabledCache(),
    rateLimiter: host.rateLimiter ?? disabledRateLimiter(),
    clientMaxAgeMs: client?.enabled === false ? undefined : (client?.maxAgeMs ?? CLIENT_MAX_AGE_MS),
  }
}
