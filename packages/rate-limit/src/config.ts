import { boolean, choice, duration, integer, type Section, section } from '@plinth/config'
import {
  type MemcachedSettings,
  memcachedGroup,
  publicRedisRule,
  type RedisSettings,
  redisGroup,
} from '@plinth/core/config'

/** What the environment says about rate limits. */
export interface RateLimiterSettings {
  readonly enabled: boolean
  readonly required: boolean
  readonly backend: 'memory' | 'redis' | 'memcached'
  readonly onOutage: 'local' | 'open' | 'closed'
  /** How long one decision waits for the backend. */
  readonly deadlineMs: number
  readonly defaultLimit: number
  readonly defaultPeriodMs: number
  /** With backend `redis`. */
  readonly redis: RedisSettings | undefined
  /** With backend `memcached`. */
  readonly memcached: MemcachedSettings | undefined
}

/** The variables of rate limits. */
export const rateLimiterSection: Section<RateLimiterSettings> = section({
  title: 'Rate limits',
  about: 'How often each caller may do what costs something.',
  switch: 'RATE_LIMITER_ENABLED',
  prefixes: ['RATE_LIMITER_', 'DEFAULT_RATE_LIMIT_'],
  fields: {
    required: boolean('RATE_LIMITER_REQUIRED', {
      meaning: 'Whether the app neither starts nor counts as ready while the backend of rate limits is away.',
      default: false,
    }),
    backend: choice('RATE_LIMITER_BACKEND', ['memory', 'redis', 'memcached'], {
      meaning: 'Where the counts are kept.',
      default: 'memory',
    }),
    onOutage: choice('RATE_LIMITER_ON_OUTAGE', ['local', 'open', 'closed'], {
      meaning:
        'What holds while the backend is away, for policies that do not say: count in this process, admit all, or refuse all.',
      default: 'local',
      misnomers: ['RATE_LIMITER_FAIL_OPEN', 'RATE_LIMITER_FAILOPEN'],
    }),
    deadlineMs: duration('RATE_LIMITER_DEADLINE', {
      meaning:
        'How long one decision waits for the backend; then what RATE_LIMITER_ON_OUTAGE or the policy says holds.',
      default: '75ms',
      min: '1ms',
      max: '10s',
      misnomers: ['RATE_LIMITER_TIMEOUT'],
    }),
    defaultLimit: integer('DEFAULT_RATE_LIMIT_LIMIT', {
      meaning: 'How many requests each caller has per period where no policy is named.',
      default: 100,
      min: 1,
      max: 1_000_000_000,
      unit: 'requests',
    }),
    defaultPeriodMs: duration('DEFAULT_RATE_LIMIT_PERIOD', {
      meaning: 'The period of the default limit.',
      default: '60s',
      min: '1s',
      max: '365d',
    }),
    redis: redisGroup({ of: 'the rate limits', prefix: 'RATE_LIMITER', db: 1, when: { backend: ['redis'] } }),
    memcached: memcachedGroup({ of: 'the rate limits', prefix: 'RATE_LIMITER', when: { backend: ['memcached'] } }),
  },
  rules: [
    publicRedisRule('RATE_LIMITER'),
    {
      id: 'prod-rate-limiter-memory',
      severity: 'warning',
      variables: ['RATE_LIMITER_BACKEND'],
      problem: 'is memory: every process counts for itself, so several processes admit several times the limit',
      remedy: 'Run a single process, or set RATE_LIMITER_BACKEND to redis or memcached.',
      broken: ({ backend }) => backend === 'memory',
    },
    {
      id: 'prod-rate-limiter-open',
      severity: 'warning',
      variables: ['RATE_LIMITER_ON_OUTAGE'],
      problem: 'is open: while the backend is away nothing is limited, guessing passwords included',
      remedy: 'Set it to local, which goes on counting in each process, or to closed.',
      broken: ({ onOutage }) => onOutage === 'open',
    },
  ],
})
