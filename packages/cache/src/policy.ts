import { type Duration, parseDuration } from '@plinth/config/units'
import type { Lifetime } from './cache-backend.js'
import { CacheOptionError } from './cache-errors.js'
import type { LoadOptions, Ttl } from './load-options.js'
import { asOption } from './option-checks.js'

/** How values are loaded and how long they live, in milliseconds. */
export interface Policy {
  readonly freshMs: number
  readonly swrMs: number
  readonly staleIfErrorMs: number
  readonly softTimeoutMs: number | undefined
  readonly timeoutMs: number
  readonly negativeMs: number | undefined
  readonly errorMs: number
  readonly jitter: number
  readonly early: number
}

/** TTLs with a name, in milliseconds. */
export type NamedTtls = ReadonlyMap<string, number>

/** What holds where nothing is said. */
export const DEFAULT_POLICY: Policy = {
  freshMs: 3_600_000,
  swrMs: 0,
  staleIfErrorMs: 0,
  softTimeoutMs: undefined,
  timeoutMs: 30_000,
  negativeMs: undefined,
  errorMs: 0,
  jitter: 0.05,
  early: 1,
}

/** The options that {@link resolvePolicy} and its callers know. */
export const LOAD_OPTIONS: readonly (keyof LoadOptions)[] = [
  'ttl',
  'swr',
  'staleIfError',
  'softTimeout',
  'timeout',
  'negativeTtl',
  'errorTtl',
  'jitter',
  'early',
  'storeIf',
  'schema',
]

/** Longer is never meant. */
const MAX_MS = 10 * 365 * 86_400_000

/**
 * Completes the options of a call by the cache's own.
 *
 * @param where names the call in errors, such as `getOrSet`.
 * @throws CacheOptionError for impossible values.
 */
export function resolvePolicy(base: Policy, options: LoadOptions<never>, ttls: NamedTtls, where: string): Policy {
  const { ttl, swr, staleIfError, softTimeout, timeout, negativeTtl, errorTtl, jitter, early } = options
  return {
    freshMs: ttl === undefined ? base.freshMs : parseTtl(ttl, ttls, where),
    swrMs: optional(swr, base.swrMs, `swr of ${where}`),
    staleIfErrorMs: optional(staleIfError, base.staleIfErrorMs, `staleIfError of ${where}`),
    softTimeoutMs: softTimeout === undefined ? base.softTimeoutMs : positive(softTimeout, `softTimeout of ${where}`),
    timeoutMs: timeout === undefined ? base.timeoutMs : positive(timeout, `timeout of ${where}`),
    negativeMs: negativeTtl === undefined ? base.negativeMs : positive(negativeTtl, `negativeTtl of ${where}`),
    errorMs: optional(errorTtl, base.errorMs, `errorTtl of ${where}`),
    jitter: jitter === undefined ? base.jitter : within(jitter, 0, 0.9, `jitter of ${where}`),
    early: early === undefined ? base.early : within(early, 0, 100, `early of ${where}`),
  }
}

/** The lifetime of an entry under a policy, not shortened at random. */
export function lifetimeOf({ freshMs, swrMs, staleIfErrorMs }: Policy): Lifetime {
  return { freshMs, staleMs: freshMs + swrMs, graceMs: freshMs + staleIfErrorMs }
}

/** A TTL in milliseconds: a duration above zero, or the name of one. @throws CacheOptionError */
export function parseTtl(ttl: Ttl, ttls: NamedTtls, where: string): number {
  const named = typeof ttl === 'string' ? ttls.get(ttl) : undefined
  return named ?? positive(ttl, `ttl of ${where}`)
}

/** A duration above zero. @throws CacheOptionError */
function positive(value: Duration, what: string): number {
  const milliseconds = duration(value, what)
  if (milliseconds === 0) throw new CacheOptionError(`${what} must be above zero. To keep nothing, do not store it.`)
  return milliseconds
}

function optional(value: Duration | undefined, fallback: number, what: string): number {
  return value === undefined ? fallback : duration(value, what)
}

function duration(value: Duration, what: string): number {
  const milliseconds = asOption(() => parseDuration(value, what))
  if (milliseconds > MAX_MS) throw new CacheOptionError(`${what} must not be above ten years.`)
  return milliseconds
}

function within(value: number, min: number, max: number, what: string): number {
  if (value >= min && value <= max) return value
  throw new CacheOptionError(`${what} must be a number from ${min} to ${max}.`)
}
