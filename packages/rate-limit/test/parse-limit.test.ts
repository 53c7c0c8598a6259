import { ConfigError } from '@plinth/config/units'
import { describe, expect, test } from 'vitest'
import { parseLimit } from '../src/index.js'
import type { LimitInput } from '../src/policy/parse-limit.js'

describe('a limit is read as it is written', () => {
  const cases: readonly (readonly [LimitInput, object])[] = [
    ['100/1m', { algorithm: 'sliding', quota: 100, windowMs: 60_000, unit: undefined, shadow: false }],
    ['100/minute', { algorithm: 'sliding', quota: 100, windowMs: 60_000 }],
    ['1000/1d fixed', { algorithm: 'fixed', quota: 1000, windowMs: 86_400_000, calendar: undefined }],
    ['5/15m strict', { algorithm: 'strict', quota: 5, windowMs: 900_000 }],
    ['10/250ms gcra burst 3', { algorithm: 'gcra', quota: 10, windowMs: 250, burst: 3 }],
    ['tokens: 90000/1m', { algorithm: 'sliding', quota: 90_000, unit: 'tokens' }],
    ['concurrency 3', { algorithm: 'concurrency', quota: 3, windowMs: 30_000 }],
    ['concurrency 3 lease 1m shadow', { algorithm: 'concurrency', windowMs: 60_000, shadow: true }],
    [
      { limit: 7, per: 1500, algorithm: 'gcra' },
      { algorithm: 'gcra', quota: 7, windowMs: 1500 },
    ],
    [
      { concurrency: 2, lease: '10s' },
      { algorithm: 'concurrency', quota: 2, windowMs: 10_000 },
    ],
  ]
  test.each(cases)('%j', (input, expected) => {
    expect(parseLimit(input)).toMatchObject(expected)
  })

  test('a month in a time zone', () => {
    expect(parseLimit('50000/month fixed Europe/Berlin').calendar).toMatchObject({
      unit: 'month',
      timeZone: 'Europe/Berlin',
    })
  })
})

test.each([
  '100/',
  '-1/1m',
  '5/0s',
  '0/1m',
  '1.5/1m',
  '/1m',
  '',
  '100',
  '100/60',
  '100/1m slidng',
  '100/1m fixed sliding',
  '100/1m burst 5',
  '100/1m gcra burst 0',
  '100/month',
  '100/1d fixed Europe/Nowhere',
  '100/1h fixed Europe/Berlin',
  '1/367d',
  'concurrency',
  'concurrency 0',
  'concurrency 3 lease',
  'tok ens: 5/1m',
  '9007199254740993/1m',
  'NaN/1m',
  'Infinity/1m',
  '1e3/1m',
  '+5/1m',
  '5/',
  '5/-1m',
  '5//1m',
  '5/1mo',
  '5/1M',
  '5/1y',
  '5/toString',
  '5/1m;',
  '5/1m, 6/1h',
  '5/1m shadow shadow',
  '5/1m gcra burst 3 burst 9',
  '5/1d fixed UTC Europe/Berlin',
  'concurrency 3 lease 1m lease 1h',
  'concurrency 3 lease 0s',
  'concurrency 3 strict',
  'tokens:5/1m',
])('"%s" is refused with the text and a remedy', (text) => {
  expect(() => parseLimit(text, 'policy "api"')).toThrowError(ConfigError)
  try {
    parseLimit(text, 'policy "api"')
  } catch (error) {
    expect((error as ConfigError).faults).toHaveLength(1)
    expect((error as ConfigError).message).toContain('policy "api"')
    expect((error as ConfigError).message).toContain(JSON.stringify(text))
  }
})

test.each([
  { limit: Number.NaN, per: '1m' },
  { limit: 5, per: -1 },
  { limit: 5, per: '1m', algorithm: 'window' },
  { concurrency: 2.5 },
  { limit: 5, per: '1m', algoritm: 'strict' },
  { limit: 5, per: '1m', shadow: 'false' },
  { limit: 5, per: '1m', unit: null },
  { limit: 5, per: '1m', concurrency: 5 },
  { concurrency: 2, leese: '1m' },
  { limit: '5', per: '1m' },
  { limit: 5 },
  { limit: 5, per: { minutes: 1 } },
  ['5/1m'],
  null,
  5,
])('%j is refused', (input) => {
  expect(() => parseLimit(input as unknown as LimitInput)).toThrowError(ConfigError)
})
