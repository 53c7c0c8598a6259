import { boolean, choice, duration, type Section, section, text } from '@plinth/config'
import {
  type MemcachedSettings,
  memcachedGroup,
  publicRedisRule,
  type RedisSettings,
  redisGroup,
} from '@plinth/core/config'

/** What the environment says about the cache. */
export interface CacheSettings {
  readonly enabled: boolean
  readonly required: boolean
  readonly backend: 'memory' | 'redis' | 'memcached' | 'tiered'
  readonly prefix: string
  readonly version: string | undefined
  readonly defaultTtlMs: number
  /** What `ttl: 'short'` means. */
  readonly shortTtlMs: number
  /** What `ttl: 'long'` means. */
  readonly longTtlMs: number
  /** With backend `redis` or `tiered`. */
  readonly redis: RedisSettings | undefined
  /** With backend `memcached`. */
  readonly memcached: MemcachedSettings | undefined
}

/** What the environment says about the headers that let clients keep an answer. */
export interface ClientCacheSettings {
  readonly enabled: boolean
  readonly maxAgeMs: number
}

/** The variables of the cache. */
export const cacheSection: Section<CacheSettings> = section({
  title: 'Cache',
  about: 'Values that are expensive to come by, kept for a while.',
  switch: 'CACHE_ENABLED',
  prefixes: ['CACHE_', 'DEFAULT_CACHE_'],
  fields: {
    required: boolean('CACHE_REQUIRED', {
      meaning: 'Whether the app neither starts nor counts as ready while the cache is away.',
      default: false,
    }),
    backend: choice('CACHE_BACKEND', ['memory', 'redis', 'memcached', 'tiered'], {
      meaning: 'Where cached values are kept; tiered is memory before Redis.',
      default: 'memory',
    }),
    prefix: text('CACHE_PREFIX', {
      meaning: 'The beginning of every key. Apps that share a server need different ones.',
      default: 'cache',
      example: 'shop',
      pattern: /^[\w.:-]{1,64}$/,
      problem: 'must be 1 to 64 letters, digits, dots, colons, dashes or underscores',
    }),
    version: text('CACHE_VERSION', {
      meaning:
        'A part of every key: changing it leaves all cached values behind, for a release that stores another shape.',
      example: '2',
      pattern: /^[\w.-]{1,32}$/,
      problem: 'must be 1 to 32 letters, digits, dots, dashes or underscores',
    }),
    defaultTtlMs: duration('DEFAULT_CACHE_EXPIRATION', {
      meaning: 'How long a value is kept that does not say so itself.',
      default: '1h',
      min: '1ms',
      misnomers: ['CACHE_TTL', 'CACHE_EXPIRATION', 'CACHE_DEFAULT_TTL', 'DEFAULT_CACHE_TTL'],
      shared: {
        env: 'CACHE_TTL_DEFAULT',
        meaning: 'Another name of DEFAULT_CACHE_EXPIRATION, beside CACHE_TTL_SHORT and CACHE_TTL_LONG.',
        example: '1h',
      },
    }),
    shortTtlMs: duration('CACHE_TTL_SHORT', {
      meaning: "What ttl: 'short' means in code, for values that change often.",
      default: '30s',
      min: '1ms',
      misnomers: ['CACHE_SHORT_TTL'],
    }),
    longTtlMs: duration('CACHE_TTL_LONG', {
      meaning: "What ttl: 'long' means in code, for values that hardly change.",
      default: '1d',
      min: '1ms',
      misnomers: ['CACHE_LONG_TTL'],
    }),
    redis: redisGroup({ of: 'the cache', prefix: 'CACHE', db: 0, when: { backend: ['redis', 'tiered'] } }),
    memcached: memcachedGroup({ of: 'the cache', prefix: 'CACHE', when: { backend: ['memcached'] } }),
  },
  rules: [
    publicRedisRule('CACHE'),
    {
      id: 'prod-cache-memory',
      severity: 'warning',
      variables: ['CACHE_BACKEND'],
      problem: 'is memory: every process has a cache of its own, and invalidates only that',
      remedy: 'Run a single process, or set CACHE_BACKEND to redis, tiered or memcached.',
      broken: ({ backend }) => backend === 'memory',
    },
  ],
})

/** The variables of client caching: `Cache-Control` on answers that may be kept by browsers and proxies. */
export const clientCacheSection: Section<ClientCacheSettings> = section({
  title: 'Client cache',
  about: 'Cache-Control on answers that browsers and proxies may keep.',
  switch: 'CLIENT_CACHE_ENABLED',
  prefixes: ['CLIENT_CACHE_'],
  fields: {
    maxAgeMs: duration('CLIENT_CACHE_MAX_AGE', {
      meaning: 'How long clients may keep an answer whose route does not say so itself.',
      default: '60s',
    }),
  },
})
