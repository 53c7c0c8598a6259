import { describe, expect, test } from 'vitest'
import {
  boolean,
  ConfigError,
  choice,
  describeExplanation,
  explain,
  group,
  integer,
  loadConfig,
  secret,
  section,
  text,
} from '../src/index.js'

const meaning = 'What it is for.'
const backend = choice('SHOP_BACKEND', ['memory', 'redis'], { meaning, default: 'memory' })

describe('a section that cannot work is refused when it is described', () => {
  test.each([
    [
      'a condition on nothing',
      () => ({
        redis: group({ when: { nothing: ['x'] }, fields: {} }),
        backend,
        a: text('A', { meaning, requiredWhen: { nothing: ['x'] } }),
      }),
      'no field',
    ],
    [
      'a condition on a value that cannot be',
      () => ({ backend, a: text('A', { meaning, requiredWhen: { backend: ['reddis'] } }) }),
      'cannot be',
    ],
    ['a variable described twice', () => ({ a: text('A', { meaning }), b: text('A', { meaning }) }), 'twice'],
    [
      'a required variable that the switch may leave unread',
      () => ({ a: text('A', { meaning, required: true }) }),
      'requiredWhen',
    ],
  ])('%s', (_, fields, reason) => {
    expect(() => section({ title: 'Shop', about: '', switch: 'SHOP_ENABLED', fields: fields() })).toThrow(reason)
  })

  test('a condition of a group on nothing', () => {
    const redis = group({ when: { nothing: ['x'] }, fields: { a: text('A', { meaning }) } })
    expect(() => section({ title: 'Shop', about: '', fields: { redis } })).toThrow('no field')
  })
})

describe('requiredWhen', () => {
  const shop = section({
    title: 'Shop',
    about: '',
    fields: {
      backend,
      open: boolean('SHOP_OPEN', { meaning, default: true }),
      name: text('SHOP_NAME', { meaning, default: 'nobody', requiredWhen: { backend: ['redis'], open: [true] } }),
    },
  })
  const load = (env: Record<string, string>) => loadConfig({ env, sections: { shop } }).shop

  test('asks for a value only under its condition, and a default does not count then', () => {
    expect(load({}).name).toBe('nobody')
    expect(load({ SHOP_BACKEND: 'redis', SHOP_OPEN: 'no' }).name).toBe('nobody')
    expect(load({ SHOP_BACKEND: 'redis', SHOP_NAME: 'ada' }).name).toBe('ada')
    expect(() => load({ SHOP_BACKEND: 'redis' })).toThrow(
      'SHOP_NAME must be set with SHOP_BACKEND=redis and SHOP_OPEN=true.',
    )
  })
})

test('a required variable of a section without a switch is missed', () => {
  const shop = section({ title: 'Shop', about: '', fields: { key: secret('SHOP_KEY', { meaning, required: true }) } })
  expect(() => loadConfig({ env: {}, sections: { shop } })).toThrow(
    'SHOP_KEY must be set. Set SHOP_KEY, or SHOP_KEY_FILE to the path of a file that holds it.',
  )
})

test('a switch that cannot be read does not hide what else is wrong', () => {
  const shop = section({ title: 'Shop', about: '', switch: 'SHOP_ENABLED', fields: { backend } })
  const load = () => loadConfig({ env: { SHOP_ENABLED: 'offf', SHOP_BACKEND: 'x' }, sections: { shop } })
  expect(load).toThrow(/2 faults/)
})

test('a misspelt choice does not hide what is wrong with what was meant', () => {
  const redis = group({ when: { backend: ['redis'] }, fields: { size: integer('SHOP_SIZE', { meaning, max: 9 }) } })
  const shop = section({ title: 'Shop', about: '', prefixes: ['SHOP_'], fields: { backend, redis } })
  const load = (env: Record<string, string>) => loadConfig({ env, sections: { shop } })
  const wrong = { SHOP_BACKEND: 'reddis', SHOP_SIZE: '10' }
  expect(() => load(wrong)).toThrow(/2 faults[\s\S]*SHOP_BACKEND=redis[\s\S]*SHOP_SIZE must be/)
  expect(() => load({ ...wrong, SHOP_BACKEND: 'postgres' })).toThrow(/^SHOP_BACKEND must be one of/)
})

describe('a group', () => {
  const range = group({
    when: { backend: ['redis'] },
    fields: { from: integer('SHOP_FROM', { meaning, default: 1 }), to: integer('SHOP_TO', { meaning, default: 9 }) },
    check(reading) {
      const [from, to] = [reading.given('from'), reading.given('to')]
      if (from !== undefined && to !== undefined && from > to)
        reading.fault(['from', 'to'], 'are in the wrong order', 'Swap them.')
      if (from === to && from !== undefined) reading.warn(['from', 'to'], 'are the same', 'Set one of them.')
    },
    resolve: ({ from, to }) => ({ size: to - from + 1 }),
  })
  const shop = section({ title: 'Shop', about: '', fields: { backend, range } })
  const load = (env: Record<string, string>) =>
    loadConfig({ env: { SHOP_BACKEND: 'redis', ...env }, sections: { shop } })

  test('is absent unless it is chosen, and joined when it is', () => {
    expect(load({ SHOP_BACKEND: 'memory', SHOP_FROM: 'x' }).shop.range).toBeUndefined()
    expect(load({ SHOP_FROM: '3' }).shop.range).toEqual({ size: 7 })
  })

  test('reports contradictions with both names, and doubts as warnings', () => {
    expect(() => load({ SHOP_FROM: '3', SHOP_TO: '2' })).toThrow(
      'SHOP_FROM and SHOP_TO are in the wrong order. Swap them.',
    )
    expect(explain(load({ SHOP_FROM: '3', SHOP_TO: '3' })).warnings).toMatchObject([{ id: 'doubtful' }])
    expect(() => load({ SHOP_FROM: '3', SHOP_TO: '3', CONFIG_STRICT: 'true' })).toThrow(ConfigError)
  })
})

describe('explain', () => {
  const shop = section({
    title: 'Shop',
    about: '',
    switch: 'SHOP_ENABLED',
    fields: { backend, name: text('SHOP_NAME', { meaning }), key: secret('SHOP_KEY', { meaning }) },
  })

  test('tells where every value came from, without secrets', () => {
    const config = loadConfig({ env: { SHOP_BACKEND: 'redis', SHOP_KEY: 'hunter2' }, sections: { shop } })
    expect(explain(config).variables.slice(-4)).toEqual([
      { section: 'Shop', variable: 'SHOP_ENABLED', shown: 'true', origin: { from: 'default' } },
      { section: 'Shop', variable: 'SHOP_BACKEND', shown: 'redis', origin: { from: 'env', variable: 'SHOP_BACKEND' } },
      { section: 'Shop', variable: 'SHOP_NAME', shown: '', origin: { from: 'unset' } },
      { section: 'Shop', variable: 'SHOP_KEY', shown: '[redacted]', origin: { from: 'env', variable: 'SHOP_KEY' } },
    ])
    expect(describeExplanation(explain(config))).toBe(
      [
        'Mode: development',
        '',
        '# Configuration',
        'NODE_ENV=development (default)',
        'CONFIG_STRICT=false (default)',
        'CONFIG_IGNORE= (default)',
        '',
        '# Shop',
        'SHOP_ENABLED=true (default)',
        'SHOP_BACKEND=redis (from the environment)',
        'SHOP_NAME= (not set)',
        'SHOP_KEY=[redacted] (from the environment)',
      ].join('\n'),
    )
  })

  test('tells why a value is not used', () => {
    const config = loadConfig({ env: { SHOP_ENABLED: 'false' }, sections: { shop } })
    expect(describeExplanation(explain(config))).toContain('SHOP_BACKEND=memory (not used: SHOP_ENABLED=false)')
  })

  test('knows only what loadConfig gave', () => {
    expect(() => explain({})).toThrow(TypeError)
  })
})
