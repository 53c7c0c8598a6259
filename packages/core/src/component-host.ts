import type { InfraHost } from './infra-host.js'

/**
 * What an HTTP adapter works with: components by their names, and of the whole what it has. The app factory's `Infra` is one; so is a cache
 * and a limiter of your own.
 *
 * What is absent does nothing: routes that ask for it are served as if it were switched off.
 */
export interface ComponentHost<Cache, RateLimiter> extends Partial<Pick<InfraHost, 'phase' | 'fetch' | 'beginDrain'>> {
  readonly cache?: Cache
  readonly rateLimiter?: RateLimiter
  /** Where the app factory keeps what the environment said. */
  readonly config?: {
    readonly clientCache: { readonly enabled: boolean; readonly maxAgeMs: number }
  }
}

/** A {@link ComponentHost} as an adapter works with it: nothing is absent. */
export interface CompleteHost<Cache, RateLimiter> {
  readonly cache: Cache
  readonly rateLimiter: RateLimiter
  /** `CLIENT_CACHE_MAX_AGE`; `undefined` while client caching is switched off. */
  readonly clientMaxAgeMs: number | undefined
}

/** How long clients may keep an answer when nobody says so, as `CLIENT_CACHE_MAX_AGE` has it. */
const CLIENT_MAX_AGE_MS = 60_000

/** Puts null objects in the place of what is absent. */
export function completeHost<Cache, RateLimiter>(
  host: ComponentHost<Cache, RateLimiter>,
  absent: { readonly cache: () => Cache; readonly rateLimiter: () => RateLimiter },
): CompleteHost<Cache, RateLimiter> {
  const client = host.config?.clientCache
  return {
    cache: host.cache ?? absent.cache(),
    rateLimiter: host.rateLimiter ?? absent.rateLimiter(),
    clientMaxAgeMs: client?.enabled === false ? undefined : (client?.maxAgeMs ?? CLIENT_MAX_AGE_MS),
  }
}
