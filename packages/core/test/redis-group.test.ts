import { ConfigError, choice, explain, loadConfig, section } from '@plinth/config'
import { describe, expect, test } from 'vitest'
import { redisGroup } from '../src/config.js'

const cache = section({
  title: 'Cache',
  about: 'A cache.',
  switch: 'CACHE_ENABLED',
  prefixes: ['CACHE_'],
  fields: {
    backend: choice('CACHE_BACKEND', ['redis', 'memory'], { meaning: 'Where.', default: 'redis' }),
    redis: redisGroup({ of: 'the cache', prefix: 'CACHE', db: 0, when: { backend: ['redis'] } }),
  },
})
const limiter = section({
  title: 'Rate limits',
  about: 'A limiter.',
  fields: {
    backend: choice('RATE_LIMITER_BACKEND', ['redis', 'memory'], { meaning: 'Where.', default: 'redis' }),
    redis: redisGroup({ of: 'the limiter', prefix: 'RATE_LIMITER', db: 1, when: { backend: ['redis'] } }),
  },
})

function load(env: Record<string, string>) {
  const config = loadConfig({ env, sections: { cache, limiter } })
  const {
    cache: { redis },
    limiter: { redis: other },
  } = config
  if (redis === undefined || other === undefined) throw new Error('Redis is not chosen')
  return { cache: redis, limiter: other, warnings: explain(config).warnings, explained: explain(config).variables }
}

function faultsOf(env: Record<string, string>) {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('the Redis of a component', () => {
  test('is the one on this machine, in the database of the component, unless something is set', () => {
    const { cache, limiter } = load({})
    expect(cache).toEqual({
      address: { host: '127.0.0.1', port: 6379 },
      db: 0,
      username: undefined,
      password: undefined,
      tls: false,
      poolSize: 1,
      variables: { address: 'CACHE_REDIS_HOST', db: 'CACHE_REDIS_DB', password: 'CACHE_REDIS_PASSWORD' },
    })
    expect(limiter.db).toBe(1)
  })

  test('comes from its own URL', () => {
    const { cache, explained } = load({ CACHE_REDIS_URL: 'rediss://ada:p%40ss%2Fw%23rd@redis.internal:6380/4' })
    expect(cache).toMatchObject({ address: { host: 'redis.internal', port: 6380 }, db: 4, username: 'ada', tls: true })
    expect(cache.password?.reveal()).toBe('p@ss/w#rd')
    expect(cache.variables).toEqual({ address: 'CACHE_REDIS_URL', db: 'CACHE_REDIS_URL', password: 'CACHE_REDIS_URL' })
    const shown = new Map(explained.map(({ variable, shown }) => [variable, shown]))
    expect(shown.get('CACHE_REDIS_URL')).toBe('rediss://redis.internal:6380/4')
  })

  test('takes its database from its own variable or default when its URL names none', () => {
    expect(load({ RATE_LIMITER_REDIS_URL: 'redis://h' }).limiter.db).toBe(1)
    expect(load({ RATE_LIMITER_REDIS_URL: 'redis://h/', RATE_LIMITER_REDIS_DB: '5' }).limiter.db).toBe(5)
    expect(load({ RATE_LIMITER_REDIS_URL: 'redis://h/0' }).limiter.db).toBe(0)
  })

  test('comes from the shared URL, in the database of the component', () => {
    const { cache, limiter } = load({ REDIS_URL: 'redis://:secret@shared:6379/0', CACHE_REDIS_DB: '7' })
    expect(cache).toMatchObject({ address: { host: 'shared', port: 6379 }, db: 7 })
    expect(limiter).toMatchObject({ address: { host: 'shared', port: 6379 }, db: 1 })
    expect(limiter.variables).toEqual({
      address: 'REDIS_URL',
      db: 'RATE_LIMITER_REDIS_DB',
      password: 'REDIS_URL',
    })
  })

  test('prefers its own settings to the shared URL, also when that one is unreadable', () => {
    const own = load({ REDIS_URL: 'redis://shared', CACHE_REDIS_HOST: 'own', RATE_LIMITER_REDIS_URL: 'redis://own2' })
    expect(own.cache.address).toEqual({ host: 'own', port: 6379 })
    expect(own.limiter.address).toEqual({ host: 'own2', port: 6379 })
    const env = { REDIS_URL: 'nonsense', CACHE_REDIS_HOST: 'own', RATE_LIMITER_REDIS_URL: 'redis://own2' }
    expect(load(env).cache.address).toEqual({ host: 'own', port: 6379 })
  })

  test('keeps the shared address and takes its own password', () => {
    const { cache } = load({ REDIS_URL: 'redis://:theirs@shared', CACHE_REDIS_PASSWORD: 'ours' })
    expect(cache.password?.reveal()).toBe('ours')
    expect(cache.variables.password).toBe('CACHE_REDIS_PASSWORD')
  })

  test.each([
    [
      'redis+cluster://a:7000,b:7001',
      {
        cluster: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
      },
    ],
    [
      'redis+sentinel://a,b:1/mymaster',
      {
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 1 },
        ],
        name: 'mymaster',
      },
    ],
    ['unix:///run/redis.sock', { path: '/run/redis.sock' }],
    ['redis://[::1]:7', { host: '::1', port: 7 }],
  ])('may be at %s', (url, address) => {
    expect(load({ REDIS_URL: url }).cache.address).toEqual(address)
  })

  test('is database 0 on Cluster, whatever the default of the component', () => {
    expect(load({ REDIS_URL: 'redis+cluster://a,b' }).limiter.db).toBe(0)
    expect(load({ REDIS_URL: 'redis+sentinel://a/main/3', RATE_LIMITER_REDIS_DB: '2' }).limiter.db).toBe(2)
  })
})

describe('contradictions name both variables', () => {
  test.each([
    [
      { RATE_LIMITER_REDIS_URL: 'redis://h/0', RATE_LIMITER_REDIS_DB: '1' },
      ['RATE_LIMITER_REDIS_URL', 'RATE_LIMITER_REDIS_DB'],
    ],
    [{ CACHE_REDIS_URL: 'redis://h', CACHE_REDIS_HOST: 'other' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_HOST']],
    [{ CACHE_REDIS_URL: 'redis://h', CACHE_REDIS_PORT: '6380' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_PORT']],
    [{ CACHE_REDIS_URL: 'redis://:a@h', CACHE_REDIS_PASSWORD: 'b' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_PASSWORD']],
    [{ CACHE_REDIS_URL: 'redis://u:a@h', CACHE_REDIS_USERNAME: 'v' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_USERNAME']],
    [{ CACHE_REDIS_URL: 'rediss://h', CACHE_REDIS_TLS: 'false' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_TLS']],
    [{ CACHE_REDIS_URL: 'redis+cluster://a,b', CACHE_REDIS_HOST: 'a' }, ['CACHE_REDIS_URL', 'CACHE_REDIS_HOST']],
    [{ REDIS_URL: 'redis+cluster://a,b', RATE_LIMITER_REDIS_DB: '1' }, ['RATE_LIMITER_REDIS_DB', 'REDIS_URL']],
    [{ REDIS_URL: 'redis://h', CACHE_REDIS_PORT: '6380' }, ['CACHE_REDIS_PORT', 'REDIS_URL']],
  ])('%j', (env, subjects) => {
    expect(faultsOf(env as Record<string, string>).map((fault) => fault.subjects)).toEqual([subjects])
  })

  test('saying the same twice is none', () => {
    const env = {
      CACHE_REDIS_URL: 'redis://u:p@h:6379/2',
      ...{ CACHE_REDIS_HOST: 'h', CACHE_REDIS_PORT: '6379', CACHE_REDIS_DB: '2' },
      ...{ CACHE_REDIS_USERNAME: 'u', CACHE_REDIS_PASSWORD: 'p', CACHE_REDIS_TLS: 'false' },
    }
    expect(faultsOf(env)).toEqual([])
  })

  test('a contradiction is found beside a wrong part', () => {
    const env = { CACHE_REDIS_URL: 'redis://h/1', CACHE_REDIS_DB: '2', CACHE_REDIS_PORT: '70000' }
    expect(
      faultsOf(env)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['contradiction', 'invalid'])
  })
})

describe('a Redis URL that cannot work', () => {
  const password = 'hunter2secret'

  test.each([
    ...[
      `redis://:${password}#1@h:6379`,
      `redis://:${password}/1@h:6379`,
      `redis://:${password}?1@h`,
      `redis://:${password}@1@h`,
    ],
    ...[
      `redis://:${password}%zz@h`,
      `http://:${password}@h`,
      `redis:${password}@h`,
      `${password}`,
      `redis://:${password}@h:99999`,
    ],
    ...[`redis://:${password}@h/abc`, `redis://:${password}@h/1?commandTimeout=200`, `redis://:${password}@a,b`],
    ...[
      `redis+sentinel://:${password}@a`,
      `redis+cluster://:${password}@a/3`,
      `unix://:${password}@`,
      `redis://12:34/${password}@h`,
    ],
  ])('%s is one fault with a remedy and without the password', (url) => {
    const faults = faultsOf({ REDIS_URL: url })
    expect(faults).toHaveLength(1)
    expect(faults[0]?.subjects).toEqual(['REDIS_URL'])
    expect(JSON.stringify(faults)).not.toContain(password)
  })

  test('an unescaped password is told how to escape', () => {
    expect(faultsOf({ REDIS_URL: 'redis://:p#ss@h' })[0]?.remedy).toContain('# is %23')
  })
})

test('the unused number of a shared URL is pointed out once', () => {
  const { warnings } = load({ REDIS_URL: 'redis://h/5' })
  expect(warnings.map(({ subjects, problem }) => [subjects, problem])).toEqual([
    [['REDIS_URL'], 'names a database, which is not used'],
  ])
})
