import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  boolean,
  bytes,
  choice,
  custom,
  duration,
  type Field,
  field,
  host,
  integer,
  list,
  port,
  Secret,
  secret,
  text,
  url,
} from '../src/index.js'

const meaning = 'What it is for.'

function read<Value>(of: Field<Value>, value: string): Value | { problem: string; remedy: string } {
  const parsed = of.parse(value, of.env)
  return parsed.ok ? parsed.value : { problem: parsed.problem, remedy: parsed.remedy }
}

function refused(problem: unknown, remedy: unknown = expect.any(String)) {
  return { problem, remedy }
}

describe('boolean', () => {
  const flag = boolean('FLAG', { meaning })

  test.each(['true', 'TRUE', '1', 'yes', 'on', 'enabled', ' true '])('%j is true', (value) =>
    expect(read(flag, value)).toBe(true),
  )
  test.each(['false', 'False', '0', 'no', 'off', 'disabled'])('%j is false', (value) =>
    expect(read(flag, value)).toBe(false),
  )
  test.each(['maybe', '2', 'null', 'tru'])('%j is neither', (value) => {
    expect(read(flag, value)).toEqual(refused('must be true or false', 'Set FLAG to true or false.'))
  })
})

describe('integer and port', () => {
  const count = integer('COUNT', { meaning, min: -5, max: 10, default: 3 })

  test('plain digits within the bounds are read', () => {
    expect(['-5', '0', '10', ' 7 ', '007'].map((value) => read(count, value))).toEqual([-5, 0, 10, 7, 7])
  })

  test.each(['-6', '11', '1.5', '1e1', '0x1', '', 'ten', '+1', '1_0', '9'.repeat(30), '١'])(
    '%j is refused',
    (value) => {
      expect(read(count, value)).toEqual(
        refused('must be a whole number from -5 to 10', expect.stringContaining('COUNT=3')),
      )
    },
  )

  test('a port is 1 to 65535, and 0 only where any free one will do', () => {
    expect(read(port('PORT', { meaning }), '65535')).toBe(65_535)
    expect(read(port('PORT', { meaning }), '0')).toEqual(refused('must be a whole number from 1 to 65535'))
    expect(read(port('PORT', { meaning, min: 0 }), '0')).toBe(0)
  })

  test('what Kubernetes writes for a service of the same name is recognised', () => {
    expect(read(port('CACHE_REDIS_PORT', { meaning }), 'tcp://10.0.0.1:6379')).toEqual(
      refused(expect.anything(), expect.stringContaining('enableServiceLinks')),
    )
  })
})

describe('duration and bytes', () => {
  const ttl = duration('TTL', { meaning, min: '1s', max: '1h', default: '5m' })

  test('a plain number is seconds, and units are read', () => {
    expect(['60', '1s', '90s', '1h', ' 5m '].map((value) => read(ttl, value))).toEqual([
      60_000, 1000, 90_000, 3_600_000, 300_000,
    ])
  })

  test.each(['abc', '0', '500ms', '2h', '-1', '1.5', '1e3', 'Infinity', '9'.repeat(20)])('%j is refused', (value) => {
    expect(read(ttl, value)).toEqual(
      refused('must be a length of time from 1s to 1h', expect.stringContaining('TTL=5m')),
    )
  })

  test('defaults are shown as they would be set', () => {
    expect(ttl.fallback).toEqual({ value: 300_000, shown: '300' })
    expect(duration('TTL', { meaning, default: 250 }).fallback).toEqual({ value: 250, shown: '250ms' })
  })

  test('sizes are bytes or say their unit', () => {
    const size = bytes('SIZE', { meaning, max: '1mb', default: '64kb' })
    expect(size.fallback?.value).toBe(65_536)
    expect(['0', '512', '1kb', '1mb'].map((value) => read(size, value))).toEqual([0, 512, 1024, 1_048_576])
    expect(read(size, '2mb')).toEqual(refused('must be a size from 0 to 1048576 bytes'))
  })

  test('a default that is no duration is a mistake in the code', () => {
    expect(() => duration('TTL', { meaning, default: 'soon' })).toThrow(/TTL must be a duration/)
  })
})

describe('choice', () => {
  const backend = choice('BACKEND', ['memory', 'redis'], { meaning, default: 'memory' })

  test('one of the words, exactly', () => {
    expect(read(backend, ' redis ')).toBe('redis')
    expect(read(backend, 'reddis')).toEqual(refused('must be one of memory, redis', 'Did you mean BACKEND=redis?'))
    expect(read(backend, 'REDIS')).toEqual(refused('must be one of memory, redis', 'Did you mean BACKEND=redis?'))
    expect(read(backend, 'postgres')).toEqual(refused('must be one of memory, redis', 'Set BACKEND to one of them.'))
  })
})

describe('text and list', () => {
  test('text is trimmed, bounded, and may have a pattern', () => {
    expect(read(text('NAME', { meaning }), ' a b ')).toBe('a b')
    expect(read(text('NAME', { meaning }), 'x'.repeat(4097))).toEqual(
      refused('must be text of at most 4096 characters'),
    )
    const word = text('NAME', { meaning, pattern: /^\w+$/, problem: 'must be a word', example: 'shop' })
    expect(read(word, 'a b')).toEqual(refused('must be a word', 'Set it like NAME=shop.'))
  })

  test('a list drops what is empty between commas', () => {
    expect(read(list('LIST', { meaning }), ' a, b ,,c,')).toEqual(['a', 'b', 'c'])
    const words = list('LIST', { meaning, pattern: /^\w+$/, problem: 'must be words' })
    expect(read(words, 'a,b c')).toEqual(refused('must be words'))
  })
})

describe('host', () => {
  test('a name or an address, and nothing around it', () => {
    const server = host('HOST', { meaning })
    expect(['a-b.example', '10.0.0.1', '::1', 'under_score'].map((value) => read(server, value))).toEqual([
      ...['a-b.example', '10.0.0.1', '::1', 'under_score'],
    ])
    for (const wrong of ['[::1]', 'a:1', 'redis://a', 'a b', 'u@h', 'a,b']) {
      expect(read(server, wrong)).toEqual(refused('must be a host name or an IP address'))
    }
  })
})

describe('secret and url', () => {
  test('a secret is taken exactly as it is', () => {
    const value = read(secret('TOKEN', { meaning }), ' s3cret ')
    expect(value).toBeInstanceOf(Secret)
    expect((value as Secret).reveal()).toBe(' s3cret ')
    expect(read(secret('TOKEN', { meaning, minLength: 16 }), 'short')).toEqual(
      refused('must have 16 to 65536 characters'),
    )
  })

  test('a URL has one of the schemes and a host, and shows neither login nor path', () => {
    const address = url('MQ_URL', { meaning, schemes: ['amqp', 'amqps'] })
    const parsed = address.parse('amqps://u:p@h:1/v?q=1', 'MQ_URL')
    expect(parsed).toMatchObject({ ok: true, shown: 'amqps://h:1' })
    expect(parsed.ok && parsed.value?.reveal()).toBe('amqps://u:p@h:1/v?q=1')
    expect(read(address, 'http://h')).toEqual(refused('must begin with amqp:// or amqps://'))
    expect(read(address, 'amqp://u:p#w@h')).toEqual(
      refused(expect.anything(), expect.stringContaining('Percent-encode')),
    )
    expect(read(address, 'h:5672')).toEqual(refused(expect.anything()))
  })
})

describe('custom', () => {
  test('any Standard Schema reads the text, and speaks for itself', () => {
    const even = custom('EVEN', z.coerce.number().multipleOf(2, 'must be even'), { meaning, default: 4 })
    expect(read(even, '6')).toBe(6)
    expect(read(even, '7')).toEqual(refused('is not valid: must be even', 'Correct EVEN.'))
    expect(even.fallback).toEqual({ value: 4, shown: '4' })
  })

  test('an asynchronous schema is a mistake in the code', () => {
    const later = custom(
      'LATER',
      z.string().refine(async () => true),
      { meaning },
    )
    expect(() => later.parse('x', 'LATER')).toThrow(/asynchronous/)
  })
})

test.each(['lower', 'WITH-DASH', '1ST', ''])('%j is no name of a variable', (name) => {
  expect(() =>
    field(name, { meaning }, { type: 'text', parse: (value) => ({ ok: true, value, shown: value }) }),
  ).toThrow(TypeError)
})
