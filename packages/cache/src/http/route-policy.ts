import { type Bytes, type Duration, parseBytes, parseDuration } from '@plinth/config/units'
import { MisconfiguredError } from '@plinth/core'
import { type ClientCacheOptions, type ClientCachePolicy, compileClientCache } from './client-cache.js'
import type { QuerySelection } from './keyed-query.js'
import { parseRouteTemplate, type RouteTemplate } from './route-template.js'

/** Who may share an answer: everybody, one account, or everybody in one role. */
export type RouteScope = 'public' | 'user' | 'role'

/** How one route is cached. */
export interface RouteCacheOptions {
  /**
   * Names the resource, such as `post:{id}` or `feed:{user.id}:{query.page}`; default the route and all its parameters.
   *
   * It is what `invalidates({ key })` and patterns speak of. The entry itself is told apart further by route, query, `vary` and
   * scope, so that two routes may share a name: whatever lies under it goes together.
   */
  readonly key?: string
  /** How long an answer is fresh; default what its `Cache-Control` says, else the cache's own. A handler's `s-maxage` wins over it. */
  readonly ttl?: Duration
  /** How long after that it may be served while a new one is made. Default 0. */
  readonly swr?: Duration
  /** How long after that it may be served instead of an error (5xx). Default 0. */
  readonly staleIfError?: Duration
  /** How long 404 and 410 are remembered. Default 0: not at all. */
  readonly negativeTtl?: Duration
  /** Tags, with the same placeholders as `key`. */
  readonly tags?: readonly string[]
  /** Who may share an answer. Without it, a request with credentials passes the cache by. A key with `{user.id}` declares `user`. */
  readonly scope?: RouteScope
  /**
   * The query parameters that the handler may see, and that tell entries apart; default all.
   *
   * With a list, every other parameter is hidden from the handler, so that nothing it cannot be keyed by can shape its answer.
   */
  readonly query?: 'all' | readonly string[]
  /** Request headers, and cookies as `cookie:NAME`, that tell entries apart. */
  readonly vary?: readonly string[]
  /** Larger answers are served, not stored. Default `'1mb'`. */
  readonly maxBodySize?: Bytes
  /** What clients may do with the answer when the handler did not say: default to keep it but ask every time. `false` leaves it open. */
  readonly client?: ClientCacheOptions | false
  /** Whether a stale entry is offered to the handler by `If-None-Match` and `If-Modified-Since`, so that its 304 renews it. Default false. */
  readonly revalidate?: boolean
  /**
   * `route`: the options above decide, the response can only refuse. `rfc9111`: the response decides as for any shared HTTP
   * cache, as a gateway in front of another server needs it: lifetimes, statuses, revalidation and the whole query. Default `route`.
   */
  readonly rules?: 'route' | 'rfc9111'
  /**
   * Which request directives count. `safe`: those that cannot make the handler run (`only-if-cached`, `no-store` for storing).
   * `all`: also `no-cache`, `max-age`, `min-fresh` and `max-stale`, with which any client can reach the handler. Default `safe`,
   * under `rfc9111` `all`.
   */
  readonly requestDirectives?: 'safe' | 'all'
}

/** {@link RouteCacheOptions}, read and checked: durations in milliseconds, templates parsed. */
export interface RoutePolicy {
  readonly key: RouteTemplate | undefined
  /** `undefined`: what the response says, else the cache's own. */
  readonly ttlMs: number | undefined
  readonly swrMs: number
  readonly staleIfErrorMs: number
  readonly negativeTtlMs: number
  readonly tags: readonly RouteTemplate[]
  readonly scope: RouteScope | 'undeclared'
  readonly query: QuerySelection
  readonly vary: readonly string[]
  readonly maxBodyBytes: number
  readonly client: ClientCachePolicy | undefined
  readonly revalidate: boolean
  readonly rules: 'route' | 'rfc9111'
  readonly requestDirectives: 'safe' | 'all'
}

/**
 * Reads the options of one route once, before its first request.
 *
 * @throws ConfigError or MisconfiguredError for a bad duration, size or template, or options that contradict each other.
 */
export function compileRoutePolicy(options: RouteCacheOptions): RoutePolicy {
  const rules = options.rules ?? 'route'
  const key = options.key === undefined ? undefined : parseRouteTemplate(options.key)
  const scope = options.scope ?? (key?.namesUser === true ? 'user' : 'undeclared')
  if (key?.namesUser === true && scope !== 'user') {
    throw new MisconfiguredError(
      `The key "${key.source}" names the caller, but its scope is "${scope}". Declare scope "user", or take {user.id} out of the key.`,
    )
  }
  if (scope !== 'public' && typeof options.client === 'object' && options.client.scope === 'public') {
    throw new MisconfiguredError(
      `A cached route lets clients share its answers (client.scope "public"), but its own scope is "${scope}". Declare scope "public", or take client.scope away.`,
    )
  }
  const duration = (name: 'ttl' | 'swr' | 'staleIfError' | 'negativeTtl') => {
    const value = options[name]
    return value === undefined ? undefined : parseDuration(value, `${name} of a cached route`)
  }
  return {
    key,
    ttlMs: duration('ttl'),
    swrMs: duration('swr') ?? 0,
    staleIfErrorMs: duration('staleIfError') ?? 0,
    negativeTtlMs: duration('negativeTtl') ?? 0,
    tags: (options.tags ?? []).map(parseRouteTemplate),
    scope,
    query: options.query === undefined || options.query === 'all' ? 'all' : new Set(options.query),
    vary: [...new Set((options.vary ?? []).map(normalSelector))].sort(),
    maxBodyBytes: parseBytes(options.maxBodySize ?? '1mb', 'maxBodySize of a cached route'),
    client: options.client === false ? undefined : compileClientCache(options.client ?? { maxAge: 0 }),
    revalidate: options.revalidate ?? rules === 'rfc9111',
    rules,
    requestDirectives: options.requestDirectives ?? (rules === 'rfc9111' ? 'all' : 'safe'),
  }
}

/** Header names are the same in any case; the name of a cookie is not. */
function normalSelector(selector: string): string {
  const [kind = '', name] = selector.split(':', 2)
  return name === undefined ? kind.toLowerCase() : `${kind.toLowerCase()}:${name}`
}
