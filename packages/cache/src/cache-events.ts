import { type Channel, channel } from 'node:diagnostics_channel'

/** What every event tells. Never a key: `template` is safe for metrics, a rendered key is not. */
export interface CacheEvent {
  readonly cache: string
  readonly backend: string
  /** The template of the function or route; absent for keys given as text. */
  readonly template?: string | undefined
}

/** A value was answered from the cache. */
export interface HitEvent extends CacheEvent {
  readonly stale: boolean
}

/** A value was computed. */
export interface FillEvent extends CacheEvent {
  readonly costMs: number
  /** False: nothing was stored, for the reason given. */
  readonly stored: boolean
  readonly reason?: 'fenced' | 'no-store' | 'unavailable'
}

/** Something was invalidated. */
export interface InvalidateEvent extends CacheEvent {
  readonly kind: 'keys' | 'tags' | 'prefix' | 'pattern' | 'namespace'
  readonly count: number
  /** Whether it could not be sent and is kept to be sent later. */
  readonly queued: boolean
}

/** A call failed below the cache, and the cache went on without it. */
export interface FailureEvent extends CacheEvent {
  readonly operation: string
  readonly error: unknown
}

/**
 * The channels of `node:diagnostics_channel` on which caches tell what they do. Free while nobody listens.
 *
 * `hit` publishes {@link HitEvent}, `fill` {@link FillEvent}, `invalidate` {@link InvalidateEvent}, `failure` {@link FailureEvent}; `miss`
 * (nothing usable was there) and `refused` (an entry could not be decoded and was removed) a plain {@link CacheEvent}.
 */
export const cacheChannels: {
  readonly hit: Channel
  readonly miss: Channel
  readonly fill: Channel
  readonly refused: Channel
  readonly invalidate: Channel
  readonly failure: Channel
} = {
  hit: channel('plinth:cache:hit'),
  miss: channel('plinth:cache:miss'),
  fill: channel('plinth:cache:fill'),
  refused: channel('plinth:cache:refused'),
  invalidate: channel('plinth:cache:invalidate'),
  failure: channel('plinth:cache:failure'),
}
