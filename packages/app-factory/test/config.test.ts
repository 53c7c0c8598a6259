import { ConfigError, explain, type Fault, fieldsOf, loadConfig } from '@plinth/config'
import { describe, expect, test } from 'vitest'
import { sections } from '../src/config.js'

type Env = Readonly<Record<string, string>>

function faultsOf(env: Env): readonly Fault[] {
  try {
    loadConfig({ env, sections })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test('nothing needs to be set: everything is on, on embedded backends', () => {
  const { app, cache, clientCache, rateLimiter, tasks, email } = loadConfig({ env: {}, sections })
  expect(app).toEqual({
    host: '127.0.0.1',
    port: 3000,
    startBudgetMs: 3000,
    closeDeadlineMs: 10_000,
    drainDelayMs: undefined,
    healthDetails: false,
    inKubernetes: false,
  })
  expect(cache).toMatchObject({ enabled: true, required: false, backend: 'memory', defaultTtlMs: 3_600_000 })
  expect(clientCache).toEqual({ enabled: true, maxAgeMs: 60_000 })
  expect(rateLimiter).toMatchObject({ enabled: true, backend: 'memory', onOutage: 'local', defaultLimit: 100 })
  expect(rateLimiter.defaultPeriodMs).toBe(60_000)
  expect(tasks).toMatchObject({ enabled: true, broker: 'memory', concurrency: 10 })
  expect(email).toMatchObject({ enabled: true, transport: 'outbox', outbox: { directory: '.outbox' } })
  expect(email).toMatchObject({ timeoutMs: 30_000, maxRetries: 3, interceptTo: [], allowList: [] })
})

test('the journal of tasks in memory is written through to the disk when the environment says so', () => {
  const memoryOf = (env: Env): unknown => loadConfig({ env, sections }).tasks.memory
  expect(memoryOf({})).toEqual({ journal: undefined, journalSync: false })
  const env = { TASKS_MEMORY_JOURNAL: '/var/lib/app/tasks', TASKS_MEMORY_JOURNAL_SYNC: 'true' }
  expect(memoryOf(env)).toEqual({ journal: '/var/lib/app/tasks', journalSync: true })
})

test('four mistakes of four kinds are listed together, each with its remedy', () => {
  const env = { CACHE_BACKEND: 'reddis', DEFAULT_CACHE_EXPIRATION: 'abc', CACHE_BACKND: 'redis', PORT: '70000' }
  expect(() => loadConfig({ env, sections })).toThrowErrorMatchingInlineSnapshot(`
    [ConfigError: The configuration has 4 faults:
      - PORT must be a whole number from 0 to 65535 (got "70000").
        Write a number of that range in plain digits, such as PORT=3000.
      - CACHE_BACKEND must be one of memory, redis, memcached, tiered (got "reddis").
        Did you mean CACHE_BACKEND=redis?
      - DEFAULT_CACHE_EXPIRATION must be a length of time of at least 1ms (got "abc").
        Write seconds, or a number with its unit (ms, s, m, h, d or w), such as DEFAULT_CACHE_EXPIRATION=60 or DEFAULT_CACHE_EXPIRATION=5m.
      - CACHE_BACKND is not a variable that anything reads.
        Did you mean CACHE_BACKEND? If not, remove it, or name it in CONFIG_IGNORE if something else reads it.]
  `)
})

test.each(['CACHE', 'CLIENT_CACHE', 'RATE_LIMITER', 'TASKS', 'EMAIL'])(
  '%s_ENABLED=false leaves the rest of it unread',
  (prefix) => {
    const garbage = Object.fromEntries(
      Object.values(sections)
        .filter((part) => part.switch?.env === `${prefix}_ENABLED`)
        .flatMap((part) => [...fieldsOf(part)])
        .map(({ field }) => [field.env, '\u0000 nonsense @ //']),
    )
    expect(faultsOf(garbage)).not.toEqual([])
    expect(faultsOf({ ...garbage, [`${prefix}_ENABLED`]: 'false' })).toEqual([])
  },
)

test('each component has its own database of one shared server', () => {
  const env = {
    REDIS_URL: 'redis://r:6379',
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
  }
  const { cache, rateLimiter, tasks } = loadConfig({ env, sections })
  expect([cache, rateLimiter, tasks].map(({ redis }) => [redis?.address, redis?.db])).toEqual([
    [{ host: 'r', port: 6379 }, 0],
    [{ host: 'r', port: 6379 }, 1],
    [{ host: 'r', port: 6379 }, 3],
  ])
})

describe('email', () => {
  test('needs its sender and the credentials of the transport that sends', () => {
    expect(faultsOf({ EMAIL_TRANSPORT: 'postmark' }).map(({ subjects }) => subjects)).toEqual([
      ['EMAIL_SENDER_ADDRESS'],
      ['POSTMARK_SERVER_TOKEN'],
    ])
    expect(
      faultsOf({ EMAIL_TRANSPORT: 'smtp', EMAIL_SENDER_ADDRESS: 'a@b.c' }).map(({ subjects }) => subjects),
    ).toEqual([['EMAIL_SMTP_URL']])
  })

  test('receives webhooks only with user name and password', () => {
    const env = { EMAIL_TRANSPORT: 'postmark', EMAIL_SENDER_ADDRESS: 'a@b.c', POSTMARK_SERVER_TOKEN: 't' }
    expect(loadConfig({ env, sections }).email.postmark?.webhook).toBeUndefined()
    expect(faultsOf({ ...env, POSTMARK_WEBHOOK_USERNAME: 'u' })[0]?.subjects).toEqual([
      'POSTMARK_WEBHOOK_USERNAME',
      'POSTMARK_WEBHOOK_PASSWORD',
    ])
    expect(faultsOf({ ...env, POSTMARK_WEBHOOK_PASSWORD_PREVIOUS: 'u' })).toHaveLength(1)
    const { email } = loadConfig({
      env: { ...env, POSTMARK_WEBHOOK_USERNAME: 'u', POSTMARK_WEBHOOK_PASSWORD: 'p' },
      sections,
    })
    expect(email.postmark?.webhook?.password.reveal()).toBe('p')
  })
})

describe('in production', () => {
  const sound: Env = {
    NODE_ENV: 'production',
    EMAIL_TRANSPORT: 'postmark',
    EMAIL_SENDER_ADDRESS: 'hello@example.com',
    POSTMARK_SERVER_TOKEN: '0b6e1f2c-9d52-4b71-8d0e-1f5a2c3d4e5f',
    CACHE_BACKEND: 'redis',
    RATE_LIMITER_BACKEND: 'redis',
    TASKS_BROKER: 'redis',
    REDIS_URL: 'redis://redis.internal',
  }
  const breaches: readonly (readonly [rule: string, severity: 'fault' | 'warning', env: Env])[] = [
    ['prod-health-details', 'warning', { HEALTH_DETAILS: 'true' }],
    ['prod-cache-memory', 'warning', { CACHE_BACKEND: 'memory' }],
    ['prod-cache-redis-password', 'fault', { CACHE_REDIS_HOST: 'redis.example.com' }],
    ['prod-cache-redis-password', 'fault', { CACHE_REDIS_URL: 'redis+cluster://10.0.0.1,8.8.8.8' }],
    ['prod-rate-limiter-memory', 'warning', { RATE_LIMITER_BACKEND: 'memory' }],
    ['prod-rate-limiter-open', 'warning', { RATE_LIMITER_ON_OUTAGE: 'open' }],
    ['prod-rate-limiter-redis-password', 'fault', { RATE_LIMITER_REDIS_URL: 'rediss://user@db.example.com/1' }],
    ['prod-tasks-memory', 'warning', { TASKS_BROKER: 'memory' }],
    ['prod-tasks-redis-password', 'fault', { TASKS_REDIS_URL: 'redis+sentinel://[2001:db8::1]/main' }],
    ['prod-email-transport', 'fault', { EMAIL_TRANSPORT: 'outbox' }],
    ['prod-email-transport', 'fault', { EMAIL_TRANSPORT: 'console' }],
    ['prod-email-transport', 'fault', { EMAIL_TRANSPORT: 'memory' }],
    ['prod-email-test-token', 'fault', { POSTMARK_SERVER_TOKEN: 'POSTMARK_API_TEST' }],
    ['prod-email-webhook-password', 'fault', { POSTMARK_WEBHOOK_USERNAME: 'u', POSTMARK_WEBHOOK_PASSWORD: 'short' }],
    ['prod-email-intercept', 'warning', { EMAIL_INTERCEPT_TO: 'team@example.com' }],
  ]

  test('a sound configuration breaks no rule', () => {
    const config = loadConfig({ env: sound, sections })
    expect(explain(config)).toMatchObject({ mode: 'production', warnings: [], ignored: [] })
  })

  test('every rule has a breach here', () => {
    const known = Object.values(sections).flatMap(({ rules }) => rules.map(({ id }) => id))
    expect(new Set(breaches.map(([rule]) => rule))).toEqual(new Set(known))
  })

  test.each(breaches)('%s is a %s with %j, until it is accepted by id', (rule, severity, breach) => {
    const env = { ...sound, ...breach }
    const found = (extra: Env) => ({
      faults: faultsOf({ ...env, ...extra }).map(({ id }) => id),
      warnings: faultsOf({ ...env, ...extra }).length > 0 ? [] : warningsOf({ ...env, ...extra }),
    })
    expect(found({})).toEqual(
      severity === 'fault' ? { faults: [rule], warnings: [] } : { faults: [], warnings: [rule] },
    )
    expect(found({ NODE_ENV: 'development' })).toEqual({ faults: [], warnings: [] })
    expect(found({ CONFIG_IGNORE: rule })).toEqual({ faults: [], warnings: [] })
    expect(found({ CONFIG_STRICT: 'true' }).faults).toEqual([rule])
    expect(explain(loadConfig({ env: { ...env, CONFIG_IGNORE: rule }, sections })).ignored).toEqual([rule])
  })

  test('tasks in memory that are written down break no rule', () => {
    expect(warningsOf({ ...sound, TASKS_BROKER: 'memory', TASKS_MEMORY_JOURNAL: '/var/lib/app/tasks' })).toEqual([])
  })

  test('a part that is off breaks no rule', () => {
    expect(faultsOf({ ...sound, EMAIL_TRANSPORT: 'outbox', EMAIL_ENABLED: 'false' })).toEqual([])
  })

  test('any other name of an environment than development and test is production', () => {
    expect(faultsOf({ ...sound, EMAIL_TRANSPORT: 'outbox', NODE_ENV: 'staging' })).toHaveLength(1)
  })

  function warningsOf(env: Env): readonly string[] {
    return explain(loadConfig({ env, sections })).warnings.map(({ id }) => id)
  }
})
