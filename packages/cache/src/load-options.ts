import type { Duration } from '@plinth/config/units'
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** A duration, or the name of one of the cache's TTLs: `'short'`, `'long'`, or what `createCache({ ttls })` names. */
export type Ttl = Duration

/** Computes a value that is missing. */
export type Loader<T> = (context: LoadContext<T>) => T | Promise<T>

/** What a loader is told, and what it may decide. */
export interface LoadContext<T = unknown> {
  /** Aborts when the hard timeout has passed, or when nobody waits any longer. */
  readonly signal: AbortSignal
  /** The value this computation replaces, if there is one: for conditional requests. */
  readonly stale: T | undefined
  /** Decides how long the result is fresh. */
  setTtl(ttl: Ttl): void
  /** Adds tags that only the result can tell. */
  addTags(...tags: readonly string[]): void
  /** Answers the result without storing it. */
  noStore(): void
}

/** How a value is loaded and how long it lives. */
export interface LoadOptions<T = unknown> {
  /** How long it is fresh: a duration, or the name of one of the cache's TTLs, such as `'short'`. */
  readonly ttl?: Ttl
  /** How long after `ttl` it may be served while one caller computes it anew in the background. Default 0. */
  readonly swr?: Duration
  /** How long after `ttl` it may be served when computing it fails or takes longer than `softTimeout`. Default 0. */
  readonly staleIfError?: Duration
  /** When an older value may be served, how long to wait for a newer one. Default: the hard timeout. */
  readonly softTimeout?: Duration
  /** How long a loader may take before it is aborted. Default 30 s. */
  readonly timeout?: Duration
  /** How long `null` or `undefined` is remembered as the result. Default: `null` like any value, `undefined` not at all. */
  readonly negativeTtl?: Duration
  /** How long a failure is answered with the same error instead of trying again, in this process. Default 0. */
  readonly errorTtl?: Duration
  /** By how much a lifetime may be shortened at random, so that entries made together do not expire together. Default 0.05. */
  readonly jitter?: number
  /**
   * How eagerly to compute anew before expiry, the more so the longer it took (XFetch's beta). 0 never. Default 1.
   */
  readonly early?: number
  /**
   * Checks every value that comes out of the cache (any Standard Schema that answers at once), and gives it as the schema does: what does not fit is
   * computed anew, so that an entry of another version of the app is a miss. It must accept what the loader answers. Nothing found
   * (`negativeTtl`) is not checked.
   */
  readonly schema?: StandardSchemaV1<unknown, T>
  /** Decides about the value that was loaded: false answers it without storing it. */
  readonly storeIf?: (value: T) => boolean
}

/** Options of `getOrSet`. */
export interface GetOrSetOptions<T = unknown> extends LoadOptions<T> {
  /** Tags, or what tells them from the value. */
  readonly tags?: readonly string[] | ((value: T) => readonly string[])
  /** Ends the wait of this caller; the loader goes on while anybody else waits. */
  readonly signal?: AbortSignal
  /** Computes anew even if there is a fresh value. */
  readonly refresh?: boolean
}
