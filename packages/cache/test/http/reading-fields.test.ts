import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { selectRange } from '../../src/http/byte-range.js'
import { deltaSeconds, listedFields, parseCacheControl } from '../../src/http/cache-control.js'
import { formatCacheStatus } from '../../src/http/cache-status.js'
import { matchesEntityTag, strongMatch, weakEntityTag } from '../../src/http/entity-tag.js'
import { formatHttpDate, parseHttpDate } from '../../src/http/http-date.js'
import { keyedQuery } from '../../src/http/keyed-query.js'
import { selectFromRequest } from '../../src/http/request-selector.js'
import { plainPath } from '../../src/http/route-key.js'

describe('Cache-Control', () => {
  test('a comma in a quoted argument separates nothing, the first of two counts, malformed members are skipped', () => {
    const control = parseCacheControl('private="a, b", max-age=5, max-age=9, ="x", no-store')
    expect(listedFields(control, 'private')).toEqual(['a', 'b'])
    expect([deltaSeconds(control, 'max-age'), control.has('no-store')]).toEqual([5, true])
  })

  test('a malformed lifetime is stale rather than guessed, and a huge one is bounded', () => {
    const seconds = (line: string) => deltaSeconds(parseCacheControl(line), 'max-age')
    expect(['max-age=1.5', 'max-age=-1', 'max-age', 'max-age=x'].map(seconds)).toEqual([0, 0, 0, 0])
    expect([seconds('max-age=99999999999'), seconds('public')]).toEqual([2 ** 31, undefined])
  })

  test('no text makes it throw or hang', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (line) => parseCacheControl(line).size >= 0))
  })
})

describe('an entity tag', () => {
  test('is bound to its key, and compared weakly, in lists, and without its quotes', () => {
    const tag = weakEntityTag('one', Buffer.from('body'))
    expect(weakEntityTag('two', Buffer.from('body'))).not.toBe(tag)
    for (const condition of [tag, tag.slice(2), `"x", ${tag}`, '*', tag.slice(3, -1)]) {
      expect(matchesEntityTag(condition, tag), condition).toBe(true)
    }
    expect([matchesEntityTag('"x"', tag), matchesEntityTag('"x"', undefined)]).toEqual([false, false])
    expect([strongMatch('"a"', '"a"'), strongMatch('W/"a"', 'W/"a"')]).toEqual([true, false])
  })
})

describe('a range', () => {
  test.each([
    ['bytes=0-4', { first: 0, last: 4 }],
    ['bytes=5-', { first: 5, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-30', { first: 0, last: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=4-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
  ])('%s of ten bytes', (range, selected) => {
    expect(selectRange(range, 10)).toEqual(selected)
  })
})

describe('a date', () => {
  test('is read in its three forms, and what is nearly right is wrong', () => {
    const time = Date.UTC(1994, 10, 6, 8, 49, 37)
    for (const text of [formatHttpDate(time), 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
      expect(parseHttpDate(text), text).toBe(time)
    }
    for (const text of ['0', '', 'Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Nov 1994 25:49:37 GMT']) {
      expect(parseHttpDate(text), text).toBeUndefined()
    }
  })
})

describe('a query', () => {
  test('is the same in any order and escaping, but not with other values, or the same in another order', () => {
    const key = (query: string) => keyedQuery(query, 'all')
    expect(key('b=2&a=x+y')).toBe(key('a=x%20y&b=2'))
    const different = ['a=1&a=2', 'a=2&a=1', 'a=1%26a%3D2', 'a=1', 'a=', 'a=%', 'a=%25', 'a=1;a=2'].map(key)
    expect(new Set(different).size).toBe(different.length - 1) // a lone % is the text that %25 decodes to
    expect(keyedQuery('a=1&b=2&c[x]=3', new Set(['a', 'c']))).toBe(keyedQuery('c[x]=3&a=1', new Set(['a', 'c'])))
  })

  test('with other decoded pairs never has the same key', () => {
    const pairs = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string()), { maxLength: 4 })
    const text = (list: readonly (readonly [string, string])[]) =>
      keyedQuery(new URLSearchParams(list.map(([name, value]): [string, string] => [name, value])).toString(), 'all')
    const canonical = (list: readonly (readonly [string, string])[]) =>
      JSON.stringify([...list].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)))
    fc.assert(
      fc.property(pairs, pairs, (one, other) => {
        expect(text(one) === text(other)).toBe(canonical(one) === canonical(other))
      }),
    )
  })
})

describe('what a request is told apart by', () => {
  test('is the same for those who ask for the same', () => {
    const of = (name: string, value: string) => selectFromRequest({ [name]: value }, name)
    expect(of('accept-encoding', 'gzip, br;q=0.9, x;q=0')).toBe(of('accept-encoding', 'br , gzip'))
    expect(of('accept-language', 'en;q=0.8,de')).toBe(of('accept-language', 'de, en;q=0.8'))
    expect(of('accept-language', 'de;q=0.8,en')).not.toBe(of('accept-language', 'de, en;q=0.8'))
    expect(selectFromRequest({ cookie: 'a=1; theme=dark; b=2' }, 'cookie:theme')).toBe('dark')
    expect(selectFromRequest({ cookie: 'mytheme=dark' }, 'cookie:theme')).toBeUndefined()
  })

  test('a path is one in any case, escaping, and with a slash at the end', () => {
    expect(['/Posts/%61', '/posts/a/', '/posts/A'].map(plainPath)).toEqual(['/posts/a', '/posts/a', '/posts/a'])
    expect(plainPath('/%')).toBe('/%')
  })
})

test('Cache-Status names what was done as RFC 9211 writes it', () => {
  expect(formatCacheStatus('plinth', { hit: true, ttl: 5, detail: 'max-stale' })).toBe(
    'plinth; hit; ttl=5; detail=max-stale',
  )
  const stale = { hit: false, fwd: 'stale', fwdStatus: 304, ttl: -1, stored: true, collapsed: true } as const
  expect(formatCacheStatus('plinth', stale)).toBe('plinth; fwd=stale; fwd-status=304; ttl=-1; stored; collapsed')
})
