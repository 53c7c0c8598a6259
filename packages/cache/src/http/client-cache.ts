import { type Duration, parseDuration } from '@plinth/config/units'

/** What browsers and proxies may do with an answer. */
export interface ClientCacheOptions {
  /** How long they may reuse it unasked; `0` lets them keep it but ask every time. Default `CLIENT_CACHE_MAX_AGE`. */
  readonly maxAge?: Duration
  /** `public` lets proxies share it between users: only for what everybody may see. Default `private`; on cached routes the route's own scope. */
  readonly scope?: 'public' | 'private'
  /** How long after that they may use it while they ask for a new one. */
  readonly staleWhileRevalidate?: Duration
  /** How long after that they may use it when asking fails. */
  readonly staleIfError?: Duration
  /** It never changes under this URL: browsers need not ask even on reload. */
  readonly immutable?: boolean
}

/** {@link ClientCacheOptions}, read and checked. */
export interface ClientCachePolicy {
  /** `undefined` takes the default of the whole. */
  readonly maxAgeMs: number | undefined
  readonly scope: 'public' | 'private' | undefined
  readonly extensions: string
}

/** What a client's copy depends on besides the policy. */
export interface ClientCacheFacts {
  readonly status: number
  /** Whether proxies may share it, where the policy itself does not say. */
  readonly shared: boolean
  /** What the answer's `Age` will be. */
  readonly ageMs: number
  /** How much longer it is fresh here; `Infinity` when it is not stored here. */
  readonly freshForMs: number
  readonly defaultMaxAgeMs: number
  /** Whether the answer sets a cookie: then it is nobody else's, whatever the options say. */
  readonly ownsCookie: boolean
}

/** Whole answers to a safe request. Everything else, errors and redirects to a login above all, is not for keeping. */
const KEPT_BY_CLIENTS: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 304, 308])

/**
 * Reads the options once.
 *
 * @throws ConfigError for a bad duration.
 */
export function compileClientCache(options: ClientCacheOptions): ClientCachePolicy {
  const read = (value: Duration | undefined, what: string) =>
    value === undefined ? undefined : parseDuration(value, `${what} of a client cache`)
  const whileRevalidate = read(options.staleWhileRevalidate, 'staleWhileRevalidate')
  const ifError = read(options.staleIfError, 'staleIfError')
  const extensions = [
    ...(options.immutable === true ? ['immutable'] : []),
    ...(whileRevalidate === undefined ? [] : [`stale-while-revalidate=${seconds(whileRevalidate)}`]),
    ...(ifError === undefined ? [] : [`stale-if-error=${seconds(ifError)}`]),
  ]
  return {
    maxAgeMs: read(options.maxAge, 'maxAge'),
    scope: options.scope,
    extensions: extensions.map((extension) => `, ${extension}`).join(''),
  }
}

/**
 * Writes the `Cache-Control` that an answer gets when its handler set none.
 *
 * `max-age` counts from the answer's birth and includes its `Age`, so that a client keeps what is already old for as long as what is
 * new, but never beyond its freshness here.
 */
export function clientCacheControl(policy: ClientCachePolicy, facts: ClientCacheFacts): string {
  if (!KEPT_BY_CLIENTS.has(facts.status)) return 'no-store'
  const scope = facts.ownsCookie ? 'private' : (policy.scope ?? (facts.shared ? 'public' : 'private'))
  const reuse = Math.min(policy.maxAgeMs ?? facts.defaultMaxAgeMs, Math.max(0, facts.freshForMs))
  if (seconds(reuse) === 0) return `${scope}, no-cache`
  return `${scope}, max-age=${seconds(facts.ageMs) + seconds(reuse)}${policy.extensions}`
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
