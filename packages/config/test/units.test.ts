import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, describeDuration, parseBytes, parseDuration } from '../src/units.js'

describe('parseDuration', () => {
  test.each([
    [0, 0],
    [250, 250],
    [0.2, 1],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
    ['0s', 0],
    ['0.1ms', 1],
  ])('%j is %d milliseconds', (value, expected) => {
    expect(parseDuration(value)).toBe(expected)
  })

  test.each([
    ...[
      '',
      ' ',
      '60',
      '5 m',
      '-5m',
      '5x',
      'm',
      '5m ',
      '1e3s',
      '5M',
      'Infinity',
      'NaN',
      '٣s',
      `${'9'.repeat(40)}w`,
      '1m'.repeat(60),
    ],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, Number.MAX_SAFE_INTEGER * 2],
    ...([null, undefined, [], true, {}] as unknown as string[]),
  ])('%j is refused with a remedy', (value) => {
    expect(() => parseDuration(value, 'ttl')).toThrow(ConfigError)
    expect(() => parseDuration(value, 'ttl')).toThrow(/^ttl must be a duration .*Give a number of milliseconds/)
  })

  test('what is described is read back as the same', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (milliseconds) => {
        expect(parseDuration(describeDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })

  test('a description is what a person would write', () => {
    expect([0, 1, 1500, 60_000, 5_400_000, 86_400_000].map(describeDuration)).toEqual([
      '0s',
      '1ms',
      '1s500ms',
      '1m',
      '1h30m',
      '1d',
    ])
  })
})

describe('parseBytes', () => {
  test.each([
    [0, 0],
    [10.2, 11],
    ['1024', 1024],
    ['512b', 512],
    ['1kb', 1024],
    ['1 KiB', 1024],
    ['1.5mb', 1_572_864],
    ['2GB', 2_147_483_648],
  ])('%j is %d bytes', (value, expected) => {
    expect(parseBytes(value)).toBe(expected)
  })

  test.each(['', 'kb', '-1', '1tb', '1  kb', '1e3', Number.NaN, -1, Number.POSITIVE_INFINITY, '9'.repeat(30)])(
    '%j is refused with a remedy',
    (value) => {
      expect(() => parseBytes(value, 'maxSize')).toThrow(/^maxSize must be a size in bytes .*Give a number of bytes/)
    },
  )
})

test('any value gives a whole number or a ConfigError, never anything else', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const parse of [parseDuration, parseBytes]) {
        try {
          const result = parse(value as string)
          expect(Number.isSafeInteger(result) && result >= 0).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
        }
      }
    }),
  )
})
