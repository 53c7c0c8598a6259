import { describe, expect, test } from 'vitest'
import {
  boolean,
  ConfigError,
  choice,
  duration,
  explain,
  group,
  integer,
  loadConfig,
  port,
  secret,
  section,
  text,
} from '../src/index.js'

const shop = section({
  title: 'Shop',
  about: 'A shop.',
  switch: 'SHOP_ENABLED',
  prefixes: ['SHOP_'],
  fields: {
    backend: choice('SHOP_BACKEND', ['memory', 'redis', 'postmark'], {
      meaning: 'Where it is.',
      default: 'memory',
      misnomers: ['SHOP_TRANSPORT'],
    }),
    ttl: duration('SHOP_TTL', { meaning: 'How long.', default: '1h' }),
    size: integer('SHOP_SIZE', { meaning: 'How many.', min: 1, max: 100 }),
    open: boolean('SHOP_OPEN', { meaning: 'Whether it is open.', default: true }),
    postmark: group({
      when: { backend: ['postmark'] },
      fields: {
        token: secret('SHOP_TOKEN', { meaning: 'The token.', required: true }),
        from: text('SHOP_FROM', { meaning: 'The sender.' }),
      },
    }),
  },
})

const server = section({
  title: 'Server',
  about: 'Where it listens.',
  fields: { port: port('PORT', { meaning: 'The port.', default: 3000 }) },
})

function load(env: Record<string, string>) {
  return loadConfig({ env, sections: { shop, server } })
}

function failure(env: Record<string, string>): ConfigError {
  try {
    load(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('it loaded')
}

describe('loadConfig', () => {
  test('nothing needs to be set', () => {
    const config = load({})
    const backend: 'memory' | 'redis' | 'postmark' = config.shop.backend
    expect(backend).toBe('memory')
    expect(config).toEqual({
      shop: { enabled: true, backend: 'memory', ttl: 3_600_000, size: undefined, open: true, postmark: undefined },
      server: { port: 3000 },
    })
  })

  test('plain numbers are seconds where a duration is asked for', () => {
    expect(load({ SHOP_TTL: '60' }).shop.ttl).toBe(60_000)
    expect(load({ SHOP_TTL: '250ms' }).shop.ttl).toBe(250)
  })

  test('all faults come at once, each with its remedy', () => {
    const error = failure({ SHOP_BACKEND: 'reddis', SHOP_TTL: 'abc', SHOP_BACKND: 'redis', PORT: '70000' })
    expect(error.message).toMatchInlineSnapshot(`
      "The configuration has 4 faults:
        - SHOP_BACKEND must be one of memory, redis, postmark (got "reddis").
          Did you mean SHOP_BACKEND=redis?
        - SHOP_TTL must be a length of time (got "abc").
          Write seconds, or a number with its unit (ms, s, m, h, d or w), such as SHOP_TTL=60 or SHOP_TTL=5m.
        - PORT must be a whole number from 1 to 65535 (got "70000").
          Write a number of that range in plain digits, such as PORT=3000.
        - SHOP_BACKND is not a variable that anything reads.
          Did you mean SHOP_BACKEND? If not, remove it, or name it in CONFIG_IGNORE if something else reads it."
    `)
    expect(error.stack).not.toMatch(/ at /)
  })

  test('a group is read only when its choice is made', () => {
    expect(failure({ SHOP_BACKEND: 'postmark' }).message).toContain('SHOP_TOKEN must be set with SHOP_BACKEND=postmark')
    const { postmark } = load({ SHOP_BACKEND: 'postmark', SHOP_TOKEN: 'hunter2' }).shop
    expect(postmark?.token.reveal()).toBe('hunter2')
  })

  test('a part that is off is not read at all', () => {
    const config = load({ SHOP_ENABLED: 'false', SHOP_BACKEND: 'reddis', SHOP_TTL: 'abc', SHOP_BACKND: 'redis' })
    expect(config.shop).toEqual({
      enabled: false,
      backend: 'memory',
      ttl: 3_600_000,
      size: undefined,
      open: true,
      postmark: undefined,
    })
    expect(explain(config).warnings.map(({ subjects }) => subjects)).toEqual([['SHOP_BACKND']])
  })

  test('production rules are judged by NODE_ENV, or as the caller says', () => {
    const strict = section({
      title: 'Strict',
      about: 'Always wrong in production.',
      fields: { port: port('PORT', { meaning: 'The port.', default: 3000 }) },
      rules: [
        {
          id: 'prod-never',
          severity: 'fault',
          variables: ['PORT'],
          problem: 'is never right',
          remedy: 'Give up.',
          broken: () => true,
        },
      ],
    })
    const sections = { strict }
    for (const NODE_ENV of ['', 'development', 'test'])
      expect(() => loadConfig({ env: { NODE_ENV }, sections })).not.toThrow()
    for (const NODE_ENV of ['production', 'staging', 'Production']) {
      expect(() => loadConfig({ env: { NODE_ENV }, sections })).toThrow(
        'PORT is never right. Give up. To accept it, set CONFIG_IGNORE=prod-never.',
      )
    }
    expect(() => loadConfig({ env: {}, sections, mode: 'production' })).toThrow('PORT is never right')
    expect(() => loadConfig({ env: { NODE_ENV: 'production' }, sections, mode: 'development' })).not.toThrow()
    expect(() => loadConfig({ env: { PORT: 'x' }, sections, mode: 'production' })).toThrow(
      /^PORT must be a whole number/,
    )
  })

  test('a configuration is frozen all the way down', () => {
    const config = load({ SHOP_BACKEND: 'postmark', SHOP_TOKEN: 'hunter2' })
    for (const part of [config, config.shop, config.shop.postmark, config.shop.postmark?.token]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})
