import { CacheKeyError, type KeyParam, parseTemplate } from '@plinth/cache'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundedKey, canonicalText } from '../src/keys/canonical-key.js'
import { prefixGuards, prefixTarget } from '../src/keys/guards.js'
import { compilePattern } from '../src/keys/key-pattern.js'

const nasty = [
  '',
  'ab',
  'bA',
  '*',
  '?',
  '[a]',
  '{x}',
  ':',
  '%',
  '%3A',
  '\n',
  '~',
  '~1',
  '1',
  '-1',
  'true',
  'null',
  '@d5',
  '=()',
  'é',
  '\ud800',
  ' ',
  'a:b',
  ',',
  ';',
]
const text = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary' }))
const param: fc.Arbitrary<KeyParam> = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 5 }),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(fc.string({ maxLength: 3 }), text, { maxKeys: 2, noNullPrototype: true }),
)
const template = parseTemplate('user:{a}:posts:{b}')

describe('a template', () => {
  it('gives different arguments different keys', () => {
    fc.assert(
      fc.property(param, param, param, param, (a, b, c, d) => {
        const same = Object.is(JSON.stringify(tell([a, b])), JSON.stringify(tell([c, d]))) || deepSame([a, b], [c, d])
        expect(template.render({ a, b }) === template.render({ a: c, b: d })).toBe(same)
      }),
      { numRuns: 2_000 },
    )
  })

  it('lets nothing out of a parameter: no separator, wildcard, brace, blank or control character', () => {
    fc.assert(
      fc.property(param, (a) => {
        expect(template.render({ a, b: 1 })).toMatch(/^user:[\w.~@=(),;%-]*:posts:1$/)
      }),
    )
  })

  it('refuses what cannot be part of a key', () => {
    for (const bad of [
      undefined,
      () => 1,
      Symbol('x'),
      Number.NaN,
      Number.POSITIVE_INFINITY,
      new Date(Number.NaN),
      new Map(),
    ]) {
      expect(() => template.render({ a: bad, b: 1 })).toThrow(CacheKeyError)
    }
    for (const bad of ['', 'user:{', 'user:{}', 'a}b', '{a}{b}', '{a}-{b}'])
      expect(() => parseTemplate(bad)).toThrow(CacheKeyError)
  })
})

describe('a key given as text', () => {
  it('is different from every other, and as long as any backend takes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        fc.pre(a !== '' && b !== '')
        expect(boundedKey(canonicalText(a, 'key')) === boundedKey(canonicalText(b, 'key'))).toBe(a === b)
        expect(boundedKey(canonicalText(a.repeat(50), 'key')).length).toBeLessThanOrEqual(180)
      }),
    )
  })

  it('must be a text that is neither empty nor endless', () => {
    for (const bad of ['', 'x'.repeat(70_000), 5, null, undefined, {}]) {
      expect(() => canonicalText(bad as string, 'key')).toThrow(CacheKeyError)
    }
  })
})

describe('a prefix', () => {
  it('means whole segments, and a number as well as its text', () => {
    const depends = (key: string): boolean => prefixGuards(key, 4).includes(prefixTarget('user:42', 4).guard)
    expect(depends('user:42:posts')).toBe(true)
    expect(depends('user:~42:posts')).toBe(true)
    expect(depends('user:420:posts')).toBe(false)
    expect(prefixTarget('user:42', 4).keys).toEqual(['user:42', 'user:~42'])
    expect(() => prefixTarget('a:b:c', 2)).toThrow(CacheKeyError)
  })
})

describe('a pattern', () => {
  it('has wildcards of its own, and treats everything else as text', () => {
    const matches = (pattern: string, key: string): boolean =>
      compilePattern(pattern).matches(boundedKey(canonicalText(key, 'key')))
    expect(matches('user:*', 'user:1:posts')).toBe(true)
    expect(matches('user:?', 'user:é')).toBe(true)
    expect(matches('user:?', 'user:ab')).toBe(false)
    expect(matches('user:[ab]', 'user:b')).toBe(true)
    expect(matches('user:[!ab]', 'user:b')).toBe(false)
    expect(matches('u.er:*', 'user:1')).toBe(false)
    expect(matches('*:posts', `user:${'x'.repeat(300)}:posts`)).toBe(true)
    expect(compilePattern('feed:42:*').matches('feed:~42:x')).toBe(true)
    expect(compilePattern('feed:42:*').matches('feed:420:x')).toBe(false)
    expect(compilePattern('user:*').beginsWith).toBe('user:')
    expect(compilePattern('feed:42:*').beginsWith).toBe('feed')
  })
})

/** A comparable form: types told apart, properties sorted, `undefined` ones left out. */
function tell(values: readonly unknown[]): unknown {
  return values.map((value) => {
    if (typeof value === 'bigint') return ['bigint', String(value)]
    if (value instanceof Date) return ['date', value.getTime()]
    if (value instanceof Uint8Array) return ['bytes', ...value]
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return ['object', Object.entries(value).sort()]
    return [typeof value, Array.isArray(value), value]
  })
}

function deepSame(a: unknown, b: unknown): boolean {
  try {
    expect(a).toStrictEqual(b)
    return true
  } catch {
    return false
  }
}
