import {
  type ClientCacheOptions,
  type ClientCachePolicy,
  compileClientCache,
  compileInvalidation,
  compileRoutePolicy,
  type InvalidationOptions,
  type InvalidationPlan,
  type RouteCacheOptions,
  type RoutePolicy,
} from '@plinth/cache/http'
import { compileRouteLimit, type RouteLimit, type RouteLimitOptions } from './route-limit.js'

/** What Plinth does for one route: `config: { plinth: { limit: 'api', cache: { key: 'post:{id}' } } }`. */
export interface PlinthRouteConfig {
  /** What the route is charged to; `false` takes it out of the limiter's route rules. */
  readonly limit?: RouteLimitOptions | false
  /** How its answers are cached. */
  readonly cache?: RouteCacheOptions | false
  /** What a successful unsafe request invalidates besides the resource under its own path. */
  readonly invalidates?: InvalidationOptions
  /**
   * The handler always runs, and its answer to a successful request, usually `PUT`, is what the next `GET` for the same path gets: with
   * the options of that route's `cache`.
   */
  readonly puts?: RouteCacheOptions
  /** What clients may keep, on a route that is not cached here. */
  readonly client?: ClientCacheOptions
}

/** {@link PlinthRouteConfig}, read once. */
export interface RoutePlan {
  /** The pattern, such as `/posts/:id`; `undefined` where no route matched. */
  readonly route: string | undefined
  readonly limit: RouteLimit | false | undefined
  readonly cache: RoutePolicy | undefined
  readonly invalidates: InvalidationPlan | undefined
  readonly puts: RoutePolicy | undefined
  readonly client: ClientCachePolicy | undefined
}

/**
 * Reads the options of a route.
 *
 * @throws ConfigError, MisconfiguredError or CacheKeyError for options that cannot be used.
 */
export function compileRoute(route: string | undefined, config: PlinthRouteConfig): RoutePlan {
  return {
    route,
    limit: config.limit === undefined || config.limit === false ? config.limit : compileRouteLimit(config.limit),
    cache: config.cache === undefined || config.cache === false ? undefined : compileRoutePolicy(config.cache),
    invalidates: config.invalidates === undefined ? undefined : compileInvalidation(config.invalidates),
    puts: config.puts === undefined ? undefined : compileRoutePolicy(config.puts),
    client: config.client === undefined ? undefined : compileClientCache(config.client),
  }
}
