import { ConfigError, choice, loadConfig, section } from '@plinth/config'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memcachedGroup, rabbitmqGroup } from '../src/config.js'
import { describeEndpoint, parseEndpoints } from '../src/endpoint.js'
import { isPrivateHost } from '../src/private-host.js'

const part = section({
  title: 'Cache',
  about: 'A cache.',
  prefixes: ['CACHE_'],
  fields: {
    backend: choice('CACHE_BACKEND', ['memcached', 'memory'], { meaning: 'Where.', default: 'memcached' }),
    memcached: memcachedGroup({ of: 'the cache', prefix: 'CACHE', when: { backend: ['memcached'] } }),
    rabbitmq: rabbitmqGroup({ of: 'the cache', prefix: 'CACHE', when: { backend: ['memcached'] } }),
  },
})

function load(env: Record<string, string>) {
  const { memcached, rabbitmq } = loadConfig({ env, sections: { part } }).part
  if (memcached === undefined || rabbitmq === undefined) throw new Error('not chosen')
  return { memcached, rabbitmq }
}

function subjectsOf(env: Record<string, string>) {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ subjects }) => subjects)
    throw error
  }
  return []
}

describe('the Memcached of a component', () => {
  test('is the one on this machine unless something is set', () => {
    expect(load({}).memcached).toEqual({
      servers: [{ host: '127.0.0.1', port: 11_211 }],
      username: undefined,
      password: undefined,
      variables: { servers: 'CACHE_MEMCACHED_HOST', password: 'CACHE_MEMCACHED_PASSWORD' },
    })
  })

  test('is its own servers, else its own host, else the shared servers', () => {
    const shared = { MEMCACHED_SERVERS: 'x:1, y' }
    expect(load(shared).memcached.servers).toEqual([
      { host: 'x', port: 1 },
      { host: 'y', port: 11_211 },
    ])
    expect(load(shared).memcached.variables.servers).toBe('MEMCACHED_SERVERS')
    expect(load({ ...shared, CACHE_MEMCACHED_HOST: 'own' }).memcached.servers).toEqual([{ host: 'own', port: 11_211 }])
    expect(load({ ...shared, CACHE_MEMCACHED_SERVERS: '[::1]:2' }).memcached.servers).toEqual([
      { host: '::1', port: 2 },
    ])
  })

  test('contradictions and halves name both variables', () => {
    const servers = { CACHE_MEMCACHED_SERVERS: 'a,b' }
    expect(subjectsOf({ ...servers, CACHE_MEMCACHED_HOST: 'a' })).toEqual([
      ['CACHE_MEMCACHED_SERVERS', 'CACHE_MEMCACHED_HOST'],
    ])
    expect(subjectsOf({ ...servers, CACHE_MEMCACHED_PORT: '1' })).toEqual([
      ['CACHE_MEMCACHED_SERVERS', 'CACHE_MEMCACHED_PORT'],
    ])
    expect(subjectsOf({ MEMCACHED_SERVERS: 'a', CACHE_MEMCACHED_PORT: '1' })).toEqual([
      ['CACHE_MEMCACHED_PORT', 'MEMCACHED_SERVERS'],
    ])
    expect(subjectsOf({ CACHE_MEMCACHED_USERNAME: 'u' })).toEqual([
      ['CACHE_MEMCACHED_USERNAME', 'CACHE_MEMCACHED_PASSWORD'],
    ])
    expect(
      subjectsOf({ CACHE_MEMCACHED_SERVERS: 'a:1', CACHE_MEMCACHED_HOST: 'a', CACHE_MEMCACHED_PORT: '1' }),
    ).toEqual([])
  })

  test.each(['user:hunter2@host', 'memcached://host', 'a:0', 'a:70000', 'a b', '::1'])(
    '%s is refused without a trace',
    (servers) => {
      expect(subjectsOf({ MEMCACHED_SERVERS: servers })).toEqual([['MEMCACHED_SERVERS']])
      expect(() => load({ MEMCACHED_SERVERS: servers })).not.toThrow(/hunter2/)
    },
  )
})

test('the RabbitMQ of a component is its own, else the shared one, else the one on this machine', () => {
  const shown = (env: Record<string, string>) => [load(env).rabbitmq.url.reveal(), load(env).rabbitmq.variable]
  expect(shown({})).toEqual(['amqp://127.0.0.1:5672', 'CACHE_RABBITMQ_URL'])
  expect(shown({ RABBITMQ_URL: 'amqps://s/v' })).toEqual(['amqps://s/v', 'RABBITMQ_URL'])
  expect(shown({ RABBITMQ_URL: 'amqp://s', CACHE_RABBITMQ_URL: 'amqp://o' })).toEqual([
    'amqp://o',
    'CACHE_RABBITMQ_URL',
  ])
})

test('endpoints are read back as they are described', () => {
  const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(
      fc.array(fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) }), { minLength: 1 }),
      (endpoints) => {
        expect(parseEndpoints(endpoints.map(describeEndpoint).join(','), 1)).toEqual(endpoints)
      },
    ),
  )
})

describe('a host', () => {
  test.each([
    ...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '::1', 'fd00::1', 'fe80::1', '::ffff:10.0.0.1'],
    ...['localhost', 'redis', 'redis.default.svc', 'redis.svc.cluster.local', 'cache.internal'],
  ])('%s is private', (host) => expect(isPrivateHost(host)).toBe(true))

  test.each(['8.8.8.8', '172.32.0.1', '2001:db8::1', 'redis.example.com', 'local.example.com', '::ffff:8.8.8.8'])(
    '%s is public',
    (host) => expect(isPrivateHost(host)).toBe(false),
  )
})
