import { describe, expect, test } from 'vitest'
import { parseCacheControl } from '../../src/http/cache-control.js'
import { type ClientCacheFacts, clientCacheControl, compileClientCache } from '../../src/http/client-cache.js'
import { initialAgeMs } from '../../src/http/freshness.js'
import type { HeaderFields } from '../../src/http/header-fields.js'
import { formatHttpDate } from '../../src/http/http-date.js'
import { lifetimeOf } from '../../src/http/lifetime.js'
import { hasStatePrecondition, isNotModified, isUnconditional, rangeApplies } from '../../src/http/precondition.js'
import { compileRoutePolicy, type RouteCacheOptions } from '../../src/http/route-policy.js'
import { fillRouteTemplate, parseRouteTemplate } from '../../src/http/route-template.js'
import { refusal } from '../../src/http/storability.js'

interface Judged {
  readonly options?: RouteCacheOptions
  readonly status?: number
  readonly fields?: HeaderFields
  readonly prior?: HeaderFields
  readonly credentials?: boolean
}

function refusalOf({ options = {}, status = 200, fields = {}, prior = {}, credentials = false }: Judged): unknown {
  const control = parseCacheControl(fields['cache-control'])
  const response = { status, fields, prior, body: new Uint8Array(0) }
  return refusal(compileRoutePolicy(options), response, control, credentials)
}

describe('an answer that is not stored', () => {
  const asGateway: RouteCacheOptions = { rules: 'rfc9111' }
  const allowed = { 'access-control-allow-origin': 'https://one.example' }

  test.each<[why: string, judged: Judged]>([
    ['set-cookie', { fields: { 'set-cookie': ['a=1'], 'cache-control': 'public' } }],
    ['no-store', { fields: { 'cache-control': 'no-store' } }],
    ['private', { options: { scope: 'public' }, fields: { 'cache-control': 'private' } }],
    ['partial', { status: 206 }],
    ['partial', { fields: { 'content-range': 'bytes 0-1/9' } }],
    ['vary', { fields: { vary: 'accept, *' } }],
    ['authorization', { credentials: true }],
    ['csp-nonce', { fields: { 'content-security-policy': "script-src 'nonce-abc'" } }],
    ['cors-origin', { fields: allowed }],
    ['no-cache', { fields: { 'cache-control': 'no-cache' } }],
    ['must-understand', { options: asGateway, status: 299, fields: { 'cache-control': 'must-understand' } }],
    ['status', { options: asGateway, status: 304 }],
    ...[201, 204, 302, 303, 307, 400, 401, 403, 404, 410, 500, 503].map((status): [string, Judged] => [
      'status',
      { status },
    ]),
  ])('says %s: %j', (why, judged) => {
    expect(refusalOf(judged)).toBe(why)
  })

  test.each<[what: string, judged: Judged]>([
    ['a plain one', {}],
    ['a permanent redirect', { status: 308 }],
    ['a missing page that has a lifetime', { options: { negativeTtl: '1m' }, status: 404 }],
    ['a private one in the scope of its user', { options: { scope: 'user' }, fields: { 'cache-control': 'private' } }],
    ['one with a private field only', { fields: { 'cache-control': 'private="x-who"' } }],
    ['one that says itself it is for all', { credentials: true, fields: { 'cache-control': 'public' } }],
    ['one open to every origin', { fields: { 'access-control-allow-origin': '*' } }],
    ['one whose origin was allowed before the handler', { fields: allowed, prior: allowed }],
    ['one that is told apart by origin', { options: { vary: ['Origin'] }, fields: allowed }],
    ['one that says it varies by origin', { fields: { ...allowed, vary: 'Origin' } }],
    [
      'no-cache where the handler is asked again',
      { options: { revalidate: true }, fields: { 'cache-control': 'no-cache' } },
    ],
  ])('is not %s', (_what, judged) => {
    expect(refusalOf(judged)).toBeUndefined()
  })
})

describe('a lifetime', () => {
  const now = Date.parse('2026-01-01T12:00:00Z')
  const lifetime = (options: RouteCacheOptions, fields: HeaderFields, status = 200) =>
    lifetimeOf(compileRoutePolicy(options), { status, fields }, parseCacheControl(fields['cache-control']), now, 7000)

  test('of a route is what the handler says to shared caches, else the option, else its own words, else the default', () => {
    const control = { 'cache-control': 'max-age=5, s-maxage=9' }
    expect(lifetime({ ttl: '1m' }, control).lifetimeMs).toBe(9000)
    expect(lifetime({ ttl: '1m' }, { 'cache-control': 'max-age=5' }).lifetimeMs).toBe(60_000)
    expect(lifetime({}, { 'cache-control': 'max-age=5' }).lifetimeMs).toBe(5000)
    expect(lifetime({}, {}).lifetimeMs).toBe(7000)
    expect(lifetime({ ttl: '1m', negativeTtl: '2s' }, {}, 404).lifetimeMs).toBe(2000)
  })

  test('of a gateway is a tenth of what passed since the last change where nothing is said, at most a day', () => {
    const since = (ms: number) => ({ 'last-modified': formatHttpDate(now - ms), date: formatHttpDate(now) })
    expect(lifetime({ rules: 'rfc9111' }, since(100_000)).lifetimeMs).toBe(10_000)
    expect(lifetime({ rules: 'rfc9111' }, since(100 * 86_400_000)).lifetimeMs).toBe(86_400_000)
    expect(lifetime({ rules: 'rfc9111' }, since(100_000), 500).lifetimeMs).toBe(0)
    expect(lifetime({ rules: 'rfc9111' }, { expires: 'soon' }).lifetimeMs).toBe(0)
  })

  test('is never stretched where the answer forbids to serve it stale', () => {
    for (const forbids of ['no-cache', 'must-revalidate', 'proxy-revalidate']) {
      const found = lifetime({ ttl: '1m', swr: '1m', staleIfError: '1m' }, { 'cache-control': forbids })
      expect(found, forbids).toMatchObject({ swrMs: 0, staleIfErrorMs: 0, mustRevalidate: true })
    }
    const gateway = { rules: 'rfc9111', swr: '1m' } as const
    expect(lifetime(gateway, { 'cache-control': 's-maxage=1' })).toMatchObject({ swrMs: 0, mustRevalidate: true })
    const itself = lifetime(gateway, { 'cache-control': 's-maxage=1, stale-while-revalidate=3' })
    expect(itself).toMatchObject({ swrMs: 3000, mustRevalidate: false })
  })

  test('counts the age an answer already had, and one that cannot be read makes it stale', () => {
    expect(initialAgeMs({ age: '5', date: formatHttpDate(now - 9000) }, now)).toBe(9000)
    expect(initialAgeMs({ age: '20,3', date: formatHttpDate(now) }, now)).toBe(20_000)
    expect(initialAgeMs({ age: 'old' }, now)).toBe(Number.POSITIVE_INFINITY)
    expect(initialAgeMs({}, now)).toBe(0)
  })
})

describe('a condition', () => {
  const answer = { etag: 'W/"a"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }

  test('by tag decides alone, and one by date asks for the last change, or else for the birth', () => {
    const later = 'Fri, 02 Jan 2026 00:00:00 GMT'
    expect(isNotModified({ 'if-none-match': '"b"', 'if-modified-since': later }, answer)).toBe(false)
    expect(isNotModified({ 'if-none-match': '"a"' }, answer)).toBe(true)
    expect(isNotModified({ 'if-modified-since': later }, answer)).toBe(true)
    expect(isNotModified({ 'if-modified-since': 'yesterday' }, answer)).toBe(false)
    expect(isNotModified({ 'if-modified-since': later }, { date: 'Sat, 03 Jan 2026 00:00:00 GMT' })).toBe(false)
  })

  test('on a range holds for a strong tag or the very date, never for a weak tag', () => {
    expect(rangeApplies({}, answer)).toBe(true)
    expect(rangeApplies({ 'if-range': 'W/"a"' }, answer)).toBe(false)
    expect(rangeApplies({ 'if-range': '"a"' }, { etag: '"a"' })).toBe(true)
    expect(rangeApplies({ 'if-range': answer['last-modified'] }, answer)).toBe(true)
  })

  test('is told from a plain request, and what only the handler can check from what the cache can', () => {
    expect([isUnconditional({}), isUnconditional({ range: 'bytes=0-1' })]).toEqual([true, false])
    expect([hasStatePrecondition({ 'if-match': '*' }), hasStatePrecondition({ 'if-none-match': '*' })]).toEqual([
      true,
      false,
    ])
  })
})

describe('what clients are told', () => {
  const facts: ClientCacheFacts = {
    status: 200,
    shared: false,
    ageMs: 0,
    freshForMs: Number.POSITIVE_INFINITY,
    defaultMaxAgeMs: 60_000,
    ownsCookie: false,
  }
  const hour = compileClientCache({ maxAge: '1h' })

  test('never lets them keep an error, nor share what sets a cookie', () => {
    expect(clientCacheControl(hour, { ...facts, status: 500 })).toBe('no-store')
    expect(clientCacheControl(hour, { ...facts, status: 302 })).toBe('no-store')
    const open = compileClientCache({ maxAge: '1h', scope: 'public' })
    expect(clientCacheControl(open, { ...facts, ownsCookie: true })).toBe('private, max-age=3600')
  })

  test('counts the age, and never lets them keep it beyond its freshness here', () => {
    expect(clientCacheControl(hour, { ...facts, shared: true, ageMs: 10_000, freshForMs: 5000 })).toBe(
      'public, max-age=15',
    )
    expect(clientCacheControl(hour, { ...facts, freshForMs: 0 })).toBe('private, no-cache')
    expect(clientCacheControl(compileClientCache({}), facts)).toBe('private, max-age=60')
  })
})

describe('a template of a route', () => {
  const facts = {
    method: 'GET',
    route: '/posts/:id',
    origin: 'http://localhost',
    path: '/posts/1',
    query: 'page=2&tag=a&tag=b',
    params: { id: 'a:b' },
    headers: {},
    principal: { id: '7', role: 'editor' },
  }
  const filled = (source: string, given = facts) => fillRouteTemplate(parseRouteTemplate(source), given)

  test('takes parameters, query and caller, and no text of theirs becomes a separator', () => {
    expect(filled('post:{id}')).not.toBe('post:a:b')
    expect(filled('feed:{user.id}:{query.page}')).toBe('feed:~7:~2')
    expect(filled('list:{query.tag}')).not.toBe(filled('list:{query.tag}', { ...facts, query: 'tag=a,b' }))
    expect(filled('list:{query.none}')).not.toBe(filled('list:{query.none}', { ...facts, query: 'none=' }))
  })

  test('is refused with what there is instead, when its placeholder is unknown', () => {
    expect(() => parseRouteTemplate('post:{a b}')).toThrow(/no placeholder/)
    expect(() => filled('post:{slug}')).toThrow(/has \{id\}.*\{query\.slug\}/)
  })
})
