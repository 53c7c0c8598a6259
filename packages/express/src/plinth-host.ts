import type { Cache } from '@plinth/cache'
import type { InfraHost } from '@plinth/core'
import type { RateLimiter } from '@plinth/rate-limit'

/** What the middlewares need of the whole. The app factory's `Infra` is one. */
export interface PlinthHost extends InfraHost {
  readonly cache: Cache
  readonly rateLimiter: RateLimiter
  /** Where the app factory keeps what the environment said. */
  readonly config?: {
    readonly clientCache: { readonly enabled: boolean; readonly maxAgeMs: number }
  }
}
