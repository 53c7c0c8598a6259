import assert from 'node:assert/strict'
import type { Check } from '../register-checks.js'
import type { AdapterFixture, AdapterRoute } from './adapter-app.js'
import { type RawRequest, type RawResponse, rawFetch } from './raw-fetch.js'

const post: AdapterRoute = {
  method: 'GET',
  path: '/posts/:id',
  limit: 'four',
  cache: { key: 'post:{id}', ttl: '1h', scope: 'public', vary: ['accept-language'] },
  handle: ({ params }) => ({ body: { id: params.id, title: 'Ärger' } }),
}

const tag = 'W/"kTJwG8nN4rkv7G-7jZmn13SGVto"'
const limit = (left: number) => ({ 'ratelimit-policy': '"four";q=4;w=60', ratelimit: `"four";r=${left}` })
const kept = { 'cache-control': 'public, no-cache', etag: tag, vary: 'accept-language' }
const json = { 'content-type': 'application/json; charset=utf-8', 'content-length': '27' }

interface Step {
  readonly request: RawRequest
  readonly answer: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

const body = '{"id":"1","title":"Ärger"}'

/** Every field and byte of a story, apart from when it was told. */
const steps: readonly Step[] = [
  {
    request: {},
    answer: {
      status: 200,
      headers: { ...json, ...kept, ...limit(3), 'cache-status': 'plinth; fwd=uri-miss; stored' },
      body,
    },
  },
  {
    request: {},
    answer: { status: 200, headers: { ...json, ...kept, ...limit(2), 'cache-status': 'plinth; hit; ttl' }, body },
  },
  {
    request: { headers: { 'if-none-match': tag } },
    answer: { status: 304, headers: { ...kept, ...limit(1), 'cache-status': 'plinth; hit; ttl' }, body: '' },
  },
  {
    request: { headers: { range: 'bytes=0-4' } },
    answer: {
      status: 206,
      headers: {
        ...json,
        ...kept,
        ...limit(0),
        'content-length': '5',
        'content-range': 'bytes 0-4/27',
        'cache-status': 'plinth; hit; ttl',
      },
      body: '{"id"',
    },
  },
]

/** That every adapter answers the same bytes and the same fields: each is held to the same literal story. */
export const exactAnswerChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'a story is answered with exactly these statuses, fields and bytes',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [post], policies: { four: { limits: ['4/1m'] } } })
      for (const { request, answer } of steps)
        assert.deepEqual(plain(await rawFetch(`${url}/posts/1`, request)), answer)
      const { status, headers, body: text } = await rawFetch(`${url}/posts/1`)
      const names = Object.keys(headers).filter((name) => !TIMED.has(name))
      assert.equal(status, 429)
      const expected = [
        'cache-control',
        'content-length',
        'content-type',
        'ratelimit',
        'ratelimit-policy',
        'retry-after',
      ]
      assert.deepEqual(names.sort(), expected)
      assert.equal(text.replace(/\d+ seconds?/, 'N seconds'), REFUSAL)
    },
  },
]

/** The body of a refusal, apart from when to come back. */
const REFUSAL = JSON.stringify({
  type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
  title: 'Too many requests',
  status: 429,
  detail: 'A rate limit was reached. Try again in N seconds.',
  'violated-policies': ['four'],
})

/** What says when, or belongs to the connection. */
const TIMED: ReadonlySet<string> = new Set(['date', 'age', 'connection', 'keep-alive'])

function plain({ status, headers, body: text }: RawResponse): Step['answer'] {
  const fields = Object.entries(headers).filter(([name]) => !TIMED.has(name))
  const timeless = fields.map(([name, value]) => [
    name,
    String(value)
      .replace(/ttl=\d+/, 'ttl')
      .replace(/;t=\d+/, ''),
  ])
  return { status, headers: Object.fromEntries(timeless), body: text }
}
