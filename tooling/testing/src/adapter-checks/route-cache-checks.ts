import assert from 'node:assert/strict'
import type { Check } from '../register-checks.js'
import type { AdapterFixture, AdapterRoute } from './adapter-app.js'
import { cacheOutcome, rawFetch } from './raw-fetch.js'

/** A route that counts how often its handler ran. */
function counting(route: Omit<AdapterRoute, 'handle'> & Partial<Pick<AdapterRoute, 'handle'>>) {
  let runs = 0
  const handle: AdapterRoute['handle'] = async (ask) => {
    runs += 1
    return (await route.handle?.(ask)) ?? { body: { ...ask.params, run: runs } }
  }
  return { route: { ...route, handle }, runs: () => runs }
}

const post = { method: 'GET', path: '/posts/:id', cache: { key: 'post:{id}', ttl: '1h', tags: ['posts'] } } as const

/** What a cached route promises over any adapter. */
export const routeCacheChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'a second request is answered from the cache, with the same bytes and its age',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      const first = await rawFetch(`${url}/posts/1`)
      const second = await rawFetch(`${url}/posts/1`)
      assert.equal(cacheOutcome(first), 'uri-miss stored')
      assert.equal(cacheOutcome(second), 'hit')
      assert.equal(second.body, first.body)
      assert.equal(second.headers.etag, first.headers.etag)
      assert.equal(second.headers['content-type'], first.headers['content-type'])
      assert.equal(second.headers['content-length'], String(Buffer.byteLength(first.body)))
      assert.match(String(second.headers.age), /^\d+$/)
      assert.equal(posts.runs(), 1)
    },
  },
  {
    name: 'answers are told apart by parameters and by every query parameter',
    run: async ({ serve }) => {
      const { url } = await serve({
        routes: [{ ...post, handle: ({ params, query }) => ({ body: { id: params.id, query } }) }],
      })
      const asked = ['/posts/1', '/posts/2', '/posts/1?page=2', '/posts/1?page=3', '/posts/1%3Fpage=2']
      const bodies = await Promise.all(asked.map(async (path) => (await rawFetch(url + path)).body))
      assert.equal(new Set(bodies).size, asked.length)
      for (const [at, path] of asked.entries()) {
        const again = await rawFetch(url + path)
        assert.equal(again.body, bodies[at])
        assert.equal(cacheOutcome(again), 'hit')
      }
    },
  },
  {
    name: 'the order and the escaping of query parameters make no difference',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      await rawFetch(`${url}/posts/1?a=x%20y&b=2`)
      assert.equal(cacheOutcome(await rawFetch(`${url}/posts/1?b=2&a=x+y`)), 'hit')
      assert.equal(posts.runs(), 1)
    },
  },
  {
    name: 'a parameter that is not on the list neither tells answers apart nor reaches the handler',
    run: async ({ serve }) => {
      const listed = counting({
        ...post,
        cache: { ...post.cache, query: ['page'] },
        handle: ({ query }) => ({ body: { page: query.page ?? null, debug: query.debug ?? null } }),
      })
      const { url } = await serve({ routes: [listed.route] })
      const poisoned = await rawFetch(`${url}/posts/1?page=2&debug=on`)
      assert.deepEqual(JSON.parse(poisoned.body), { page: '2', debug: null })
      assert.equal(cacheOutcome(await rawFetch(`${url}/posts/1?page=2`)), 'hit')
    },
  },
  {
    name: 'If-None-Match with the tag of the answer gets 304 without a body, with any other tag the body',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      const { headers, body } = await rawFetch(`${url}/posts/1`)
      const tag = String(headers.etag)
      const matching = await rawFetch(`${url}/posts/1`, { headers: { 'if-none-match': `"other", ${tag}` } })
      assert.equal(matching.status, 304)
      assert.equal(matching.body, '')
      assert.equal(matching.headers.etag, tag)
      const other = await rawFetch(`${url}/posts/1`, { headers: { 'if-none-match': '"other"' } })
      assert.equal(other.status, 200)
      assert.equal(other.body, body)
      assert.equal(posts.runs(), 1)
    },
  },
  {
    name: 'a condition on a first request does not keep the answer out of the cache',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      const tag = String((await rawFetch(`${url}/posts/1`)).headers.etag)
      await rawFetch(`${url}/posts/2`, { headers: { 'if-none-match': tag, range: 'bytes=0-1' } })
      const whole = await rawFetch(`${url}/posts/2`)
      assert.equal(cacheOutcome(whole), 'hit')
      assert.equal(JSON.parse(whole.body).id, '2')
    },
  },
  {
    name: 'HEAD is answered from what GET stored, with its length and no body, and stores nothing itself',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      const early = await rawFetch(`${url}/posts/1`, { method: 'HEAD' })
      assert.equal(early.body, '')
      const get = await rawFetch(`${url}/posts/1`)
      assert.equal(cacheOutcome(get), 'uri-miss stored')
      const head = await rawFetch(`${url}/posts/1`, { method: 'HEAD' })
      assert.equal(cacheOutcome(head), 'hit')
      assert.equal(head.body, '')
      assert.equal(head.headers['content-length'], String(Buffer.byteLength(get.body)))
      assert.equal((await rawFetch(`${url}/posts/1`)).body, get.body)
    },
  },
  {
    name: 'a range is cut out of the stored whole',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [{ ...post, handle: () => ({ body: 'abcdefghij' }) }] })
      await rawFetch(`${url}/posts/1`)
      const part = await rawFetch(`${url}/posts/1`, { headers: { range: 'bytes=2-4' } })
      assert.deepEqual([part.status, part.body, part.headers['content-range']], [206, 'cde', 'bytes 2-4/10'])
      const beyond = await rawFetch(`${url}/posts/1`, { headers: { range: 'bytes=20-' } })
      assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */10'])
    },
  },
  {
    name: 'a body that comes in pieces is passed on and stored whole',
    run: async ({ serve }) => {
      const pieces = async function* () {
        yield 'one '
        yield 'two '
        yield 'three'
      }
      const streamed = counting({ ...post, handle: () => ({ headers: { 'content-type': 'text/plain' }, pieces }) })
      const { url } = await serve({ routes: [streamed.route] })
      assert.equal((await rawFetch(`${url}/posts/1`)).body, 'one two three')
      const hit = await rawFetch(`${url}/posts/1`)
      assert.deepEqual([hit.body, cacheOutcome(hit), streamed.runs()], ['one two three', 'hit', 1])
    },
  },
  {
    name: 'requests for the same answer at the same time run the handler once',
    run: async ({ serve }) => {
      const slow = counting({
        ...post,
        handle: async () => {
          await new Promise((resolve) => setTimeout(resolve, 50))
          return { body: 'slow' }
        },
      })
      const { url } = await serve({ routes: [slow.route] })
      const answers = await Promise.all(Array.from({ length: 8 }, () => rawFetch(`${url}/posts/1`)))
      assert.deepEqual([...new Set(answers.map(({ body }) => body))], ['slow'])
      assert.equal(slow.runs(), 1)
    },
  },
  {
    name: 'a successful change invalidates its own key, its tags and what its patterns match, before it is answered',
    run: async ({ serve }) => {
      const posts = counting(post)
      const list = counting({ method: 'GET', path: '/posts', cache: { key: 'list', tags: ['posts'] } })
      const feed = counting({ method: 'GET', path: '/feeds/:id', cache: { key: 'feed:{id}' } })
      const other = counting({ method: 'GET', path: '/others/:id', cache: { key: 'other:{id}' } })
      const change: AdapterRoute = {
        method: 'PUT',
        path: '/anything/:id',
        invalidates: { key: 'post:{id}', tags: ['posts'], patterns: ['feed:*'] },
        handle: () => ({ body: 'changed' }),
      }
      const { url } = await serve({ routes: [posts.route, list.route, feed.route, other.route, change] })
      const paths = ['/posts/1?page=2', '/posts', '/feeds/7', '/others/1']
      for (const path of paths) await rawFetch(url + path)
      await rawFetch(`${url}/anything/1`, { method: 'PUT' })
      const outcomes = await Promise.all(paths.map(async (path) => cacheOutcome(await rawFetch(url + path))))
      assert.deepEqual(outcomes, ['uri-miss stored', 'uri-miss stored', 'uri-miss stored', 'hit'])
    },
  },
  {
    name: 'a successful change invalidates the answers under its own path without being told to, a failed one nothing',
    run: async ({ serve }) => {
      const posts = counting({ ...post, cache: { ttl: '1h' } })
      const change: AdapterRoute = { method: 'PUT', path: '/posts/:id', handle: () => ({ body: 'changed' }) }
      const failing: AdapterRoute = {
        method: 'DELETE',
        path: '/posts/:id',
        handle: () => ({ status: 409, body: 'no' }),
      }
      const { url } = await serve({ routes: [posts.route, change, failing] })
      await rawFetch(`${url}/posts/1?view=full`)
      await rawFetch(`${url}/posts/1`, { method: 'DELETE' })
      assert.equal(cacheOutcome(await rawFetch(`${url}/posts/1?view=full`)), 'hit')
      await rawFetch(`${url}/posts/1`, { method: 'PUT' })
      assert.equal(cacheOutcome(await rawFetch(`${url}/posts/1?view=full`)), 'uri-miss stored')
    },
  },
  {
    name: 'a stale answer is served at once while one request renews it in the background',
    run: async ({ serve }) => {
      const posts = counting({ ...post, auth: true, cache: { ...post.cache, scope: 'public', ttl: 30, swr: '1h' } })
      const { url } = await serve({ routes: [posts.route] })
      const headers = { authorization: 'user ada' }
      const first = await rawFetch(`${url}/posts/1`, { headers })
      await new Promise((resolve) => setTimeout(resolve, 60))
      const stale = await rawFetch(`${url}/posts/1`, { headers })
      assert.equal(stale.body, first.body)
      assert.equal(cacheOutcome(stale), 'hit stale-while-revalidate')
      for (let waited = 0; posts.runs() < 2 && waited < 200; waited += 1) await new Promise((go) => setTimeout(go, 10))
      assert.equal(posts.runs(), 2)
    },
  },
  {
    name: 'an error is covered up by a stale answer where the route allows it',
    run: async ({ serve }) => {
      let broken = false
      const posts = counting({
        ...post,
        cache: { ...post.cache, ttl: 20, staleIfError: '1h' },
        handle: () =>
          broken ? { status: 500, headers: { 'x-broken': 'yes' }, body: { error: 'broken' } } : { body: 'fine' },
      })
      const { url } = await serve({ routes: [posts.route] })
      await rawFetch(`${url}/posts/1`)
      broken = true
      await new Promise((resolve) => setTimeout(resolve, 40))
      const covered = await rawFetch(`${url}/posts/1`)
      assert.deepEqual([covered.status, covered.body], [200, 'fine'])
      assert.equal(covered.headers['x-broken'], undefined)
      assert.equal(cacheOutcome(covered), 'stale stale-if-error')
    },
  },
  {
    name: 'an answer that must be revalidated never covers up an error',
    run: async ({ serve }) => {
      let broken = false
      const strict = counting({
        ...post,
        cache: { ...post.cache, ttl: 20, swr: '1h', staleIfError: '1h' },
        handle: () =>
          broken ? { status: 500, body: 'broken' } : { headers: { 'cache-control': 'must-revalidate' }, body: 'fine' },
      })
      const { url } = await serve({ routes: [strict.route] })
      await rawFetch(`${url}/posts/1`)
      broken = true
      await new Promise((resolve) => setTimeout(resolve, 40))
      assert.equal((await rawFetch(`${url}/posts/1`)).status, 500)
    },
  },
  {
    name: 'an answer is told apart by what it varies by, named by the route or by the handler',
    run: async ({ serve }) => {
      const say = (name: string) => (ask: { headers: Readonly<Record<string, unknown>> }) => String(ask.headers[name])
      const { url } = await serve({
        routes: [
          {
            ...post,
            cache: { ...post.cache, vary: ['accept-language'] },
            handle: (ask) => ({ body: say('accept-language')(ask) }),
          },
          {
            method: 'GET',
            path: '/themes',
            cache: { ttl: '1h' },
            handle: (ask) => ({ headers: { vary: 'X-Theme' }, body: say('x-theme')(ask) }),
          },
        ],
      })
      const ask = async (path: string, name: string, value: string) =>
        rawFetch(url + path, { headers: { [name]: value } })
      for (const [path, name] of [
        ['/posts/1', 'accept-language'],
        ['/themes', 'x-theme'],
      ] as const) {
        assert.equal((await ask(path, name, 'de')).body, 'de')
        assert.equal((await ask(path, name, 'fr')).body, 'fr')
        const again = await Promise.all([ask(path, name, 'de'), ask(path, name, 'fr')])
        assert.deepEqual(
          again.map((one) => [one.body, cacheOutcome(one)]),
          [
            ['de', 'hit'],
            ['fr', 'hit'],
          ],
        )
        assert.match(String(again[0].headers.vary), new RegExp(name, 'i'))
      }
    },
  },
  {
    name: 'in scope user and role an answer is reused within its scope',
    run: async ({ serve }) => {
      const own = counting({ method: 'GET', path: '/own', cache: { scope: 'user' } })
      const shared = counting({ method: 'GET', path: '/shared', cache: { scope: 'role' } })
      const { url } = await serve({ routes: [own.route, shared.route] })
      for (const authorization of ['user ada editor', 'user ada', 'user bob editor', 'user bob editor']) {
        for (const path of ['/own', '/shared']) await rawFetch(url + path, { headers: { authorization } })
      }
      // ada and bob; the editors and, because nobody may share with those of no role, ada without one.
      assert.deepEqual([own.runs(), shared.runs()], [2, 2])
    },
  },
  {
    name: 'an answer larger than the route stores is served whole and not stored',
    run: async ({ serve }) => {
      let number = 0
      const cache = { maxBodySize: 10 }
      const large: AdapterRoute = { ...post, cache, handle: () => ({ body: `more than ten bytes: ${++number}` }) }
      const pieces = async function* () {
        yield 'more than '
        yield `ten bytes: ${++number}`
      }
      const streamed: AdapterRoute = { ...large, path: '/streamed', handle: () => ({ pieces }) }
      const { url } = await serve({ routes: [large, streamed] })
      for (const path of ['/posts/1', '/streamed']) {
        assert.match((await rawFetch(url + path)).body, /^more than ten bytes: \d+$/)
        assert.doesNotMatch(cacheOutcome(await rawFetch(url + path)), /^hit/)
      }
    },
  },
  {
    name: 'only-if-cached gets the answer or a 504 problem, and never runs the handler',
    run: async ({ serve }) => {
      const posts = counting(post)
      const { url } = await serve({ routes: [posts.route] })
      const headers = { 'cache-control': 'only-if-cached' }
      const missing = await rawFetch(`${url}/posts/1`, { headers })
      assert.deepEqual([missing.status, missing.headers['content-type']], [504, 'application/problem+json'])
      assert.equal(posts.runs(), 0)
      await rawFetch(`${url}/posts/1`)
      assert.equal((await rawFetch(`${url}/posts/1`, { headers })).status, 200)
    },
  },
]
