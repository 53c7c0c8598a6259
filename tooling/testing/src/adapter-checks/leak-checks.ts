import assert from 'node:assert/strict'
import type { Check } from '../register-checks.js'
import type { AdapterFixture, AdapterRoute } from './adapter-app.js'
import { leaveAtFirstByte, type RawRequest, rawFetch } from './raw-fetch.js'

const ada = { authorization: 'user ada editor' }
const bob = { authorization: 'user bob reader' }

/** A route that answers with who asks. */
const me: AdapterRoute = {
  method: 'GET',
  path: '/me',
  cache: { ttl: '1h' },
  handle: ({ user }) => ({ body: { user: user?.id ?? null } }),
}

async function bodiesOf(url: string, requests: readonly RawRequest[]): Promise<string[]> {
  const bodies: string[] = []
  for (const request of requests) bodies.push((await rawFetch(url, request)).body)
  return bodies
}

/** Asks twice what answers with a new number each time; fails when the same comes again. */
async function assertNotStored(url: string): Promise<void> {
  const [first, again] = await bodiesOf(url, [{}, {}])
  assert.notEqual(again, first)
}

/**
 * What must not happen whatever is asked: that one caller gets another's answer, or that anybody gets a broken one.
 *
 * They look at answers alone, not at what a cache says of itself, so that they can be run against any route cache.
 */
export const leakChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'what one user gets is neither stored nor served to another, nor to nobody, unless a scope is declared',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [me] })
      const bodies = await bodiesOf(`${url}/me`, [{ headers: ada }, { headers: bob }, {}, { headers: ada }])
      assert.deepEqual(
        bodies.map((body) => JSON.parse(body).user),
        ['ada', 'bob', null, 'ada'],
      )
    },
  },
  {
    name: 'a request with cookies passes a route by that declares no scope',
    run: async ({ serve }) => {
      const session: AdapterRoute = { ...me, handle: ({ headers }) => ({ body: String(headers.cookie ?? 'none') }) }
      const { url } = await serve({ routes: [session] })
      const asked = [{ headers: { cookie: 'sid=1' } }, { headers: { cookie: 'sid=2' } }, {}]
      assert.deepEqual(await bodiesOf(`${url}/me`, asked), ['sid=1', 'sid=2', 'none'])
    },
  },
  {
    name: 'in scope user every user has answers of his own, whichever way he logs in, and nobody has none',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [{ ...me, cache: { ttl: '1h', scope: 'user' } }] })
      const asked = [{ headers: ada }, { headers: bob }, { headers: { authorization: 'user ada' } }, {}]
      const bodies = await bodiesOf(`${url}/me`, asked)
      assert.deepEqual(
        bodies.map((body) => JSON.parse(body).user),
        ['ada', 'bob', 'ada', null],
      )
    },
  },
  {
    name: 'in scope role those of one role share, and no other',
    run: async ({ serve }) => {
      const handle: AdapterRoute['handle'] = ({ user }) => ({ body: user?.role ?? 'none' })
      const { url } = await serve({ routes: [{ ...me, cache: { scope: 'role' }, handle }] })
      const asked = [ada, bob, { authorization: 'user eve editor' }, { authorization: 'user mallory' }]
      const bodies = await bodiesOf(
        `${url}/me`,
        asked.map((headers) => ({ headers })),
      )
      assert.deepEqual(bodies, ['editor', 'reader', 'editor', 'none'])
    },
  },
  {
    name: 'a cached answer is given only to those whom the route itself lets in',
    run: async ({ serve }) => {
      const secret: AdapterRoute = { ...me, path: '/secret', auth: true, cache: { ttl: '1h', scope: 'public' } }
      const { url } = await serve({ routes: [secret] })
      const inside = await rawFetch(`${url}/secret`, { headers: ada })
      assert.equal(inside.status, 200)
      assert.equal((await rawFetch(`${url}/secret`)).status, 401)
      const probe = await rawFetch(`${url}/secret`, { headers: { 'if-none-match': String(inside.headers.etag) } })
      assert.equal(probe.status, 401)
      assert.equal((await rawFetch(`${url}/secret`, { method: 'HEAD' })).status, 401)
    },
  },
  {
    name: 'the entity tag of one resource says nothing about another, about a refused one, or about none',
    run: async ({ serve }) => {
      const page = (path: string): AdapterRoute => ({
        method: 'GET',
        path,
        cache: { ttl: '1h' },
        handle: () => ({ body: 'the same bytes' }),
      })
      const { url } = await serve({ routes: [page('/one'), page('/two'), { ...page('/closed'), auth: true }] })
      const headers = { 'if-none-match': String((await rawFetch(`${url}/one`)).headers.etag) }
      await rawFetch(`${url}/two`)
      const statuses = []
      for (const [path, method] of [
        ['/two', 'GET'],
        ['/closed', 'GET'],
        ['/none', 'GET'],
        ['/one', 'POST'],
      ] as const) {
        statuses.push((await rawFetch(url + path, { method, headers })).status)
      }
      assert.deepEqual(statuses.slice(0, 3), [200, 401, 404])
      assert.ok([404, 405].includes(statuses[3] ?? 0))
    },
  },
  {
    name: 'in scope user the entity tag of one user says nothing about what another would get',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [{ ...me, cache: { ttl: '1h', scope: 'user' } }] })
      const etag = String((await rawFetch(`${url}/me`, { headers: ada })).headers.etag)
      for (const condition of [etag, `"other", ${etag}`]) {
        const probe = await rawFetch(`${url}/me`, { headers: { ...bob, 'if-none-match': condition } })
        assert.deepEqual([probe.status, JSON.parse(probe.body).user], [200, 'bob'])
      }
    },
  },
  {
    name: 'a stranger is sent to the login, whoever was let in before, and whoever is let in never is',
    run: async ({ serve }) => {
      const page: AdapterRoute = {
        ...me,
        handle: ({ user }) =>
          user === undefined ? { status: 302, headers: { location: '/login' }, body: 'log in' } : { body: user.id },
      }
      const { url } = await serve({ routes: [page] })
      const statuses = []
      for (const headers of [{}, ada, {}, bob, ada]) statuses.push((await rawFetch(`${url}/me`, { headers })).status)
      assert.deepEqual(statuses, [302, 200, 302, 200, 200])
    },
  },
  {
    name: 'parameters in another order or twice, and a method in the query, get what was asked for',
    run: async ({ serve }) => {
      const echo: AdapterRoute = { ...me, handle: ({ query, method }) => ({ body: { query, method } }) }
      const post: AdapterRoute = { ...echo, method: 'POST' }
      const { url } = await serve({ routes: [echo, post] })
      const asked = ['?a=1&b=2', '?b=2&a=1', '?a=1&a=2', '?a=2&a=1', '?a=2', '?a=1%262', '?a=1&2', '?a=1%2C2', '?a=1,2']
      const answers = new Map<string, string>()
      for (const query of asked) answers.set(query, (await rawFetch(`${url}/me${query}`)).body)
      for (const query of asked) assert.equal((await rawFetch(`${url}/me${query}`)).body, answers.get(query), query)
      assert.deepEqual(JSON.parse(answers.get('?b=2&a=1') ?? ''), JSON.parse(answers.get('?a=1&b=2') ?? ''))
      const told = [...answers.values()].slice(1)
      assert.equal(new Set(told).size, told.length - 1)
      const posted = await rawFetch(`${url}/me?_method=GET`, { method: 'POST' })
      assert.equal(JSON.parse(posted.body).method, 'POST')
      assert.equal(JSON.parse((await rawFetch(`${url}/me?_method=GET`)).body).method, 'GET')
    },
  },
  {
    name: 'HEAD asked first leaves no empty answer to GET',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [{ ...me, handle: () => ({ body: 'whole' }) }] })
      await bodiesOf(`${url}/me`, [{ method: 'HEAD' }, { method: 'HEAD' }])
      assert.deepEqual(await bodiesOf(`${url}/me`, [{}, {}]), ['whole', 'whole'])
    },
  },
  {
    name: 'a condition or a range asked first leaves no 304 and no part of an answer to others',
    run: async ({ serve }) => {
      const tagged: AdapterRoute = { ...me, handle: () => ({ headers: { etag: '"one"' }, body: 'abcdefghij' }) }
      const { url } = await serve({ routes: [tagged] })
      await bodiesOf(`${url}/me`, [{ headers: { 'if-none-match': '"one"' } }, { headers: { range: 'bytes=2-4' } }])
      const { status, body } = await rawFetch(`${url}/me`)
      assert.deepEqual([status, body], [200, 'abcdefghij'])
    },
  },
  {
    name: 'an answer shorter than it was announced is not stored',
    run: async ({ serve }) => {
      let short = true
      const pieces = async function* () {
        yield 'only this'
        if (!short) yield ', and that'
      }
      const handle: AdapterRoute['handle'] = () => ({
        headers: { 'content-type': 'text/plain', 'content-length': '19' },
        pieces,
      })
      const { url } = await serve({ routes: [{ ...me, handle }] })
      await withDeadline(rawFetch(`${url}/me`), 300).catch(() => undefined)
      short = false
      assert.equal((await withDeadline(rawFetch(`${url}/me`), 2_000)).body, 'only this, and that')
    },
  },
  {
    name: 'an answer that sets a cookie is not stored',
    run: async ({ serve }) => {
      let number = 0
      const visit: AdapterRoute = {
        ...me,
        cache: { ttl: '1h', scope: 'public' },
        handle: () => ({ headers: { 'set-cookie': `sid=${++number}` }, body: 'hello' }),
      }
      const { url } = await serve({ routes: [visit] })
      const cookies = []
      for (let time = 0; time < 2; time += 1) cookies.push((await rawFetch(`${url}/me`)).headers['set-cookie'])
      assert.deepEqual(cookies, [['sid=1'], ['sid=2']])
    },
  },
  {
    name: 'errors, redirects that are not permanent, partial and refused answers are not stored',
    run: async ({ serve }) => {
      let number = 0
      const answering = (path: string, status: number, headers: Record<string, string> = {}): AdapterRoute => ({
        method: 'GET',
        path,
        cache: { ttl: '1h', scope: 'public' },
        handle: () => ({ status, headers, body: `answer ${++number}` }),
      })
      const routes = [
        answering('/500', 500),
        answering('/503', 503),
        answering('/401', 401),
        answering('/404', 404),
        answering('/302', 302, { location: '/login' }),
        answering('/303', 303, { location: '/login' }),
        answering('/307', 307, { location: '/login' }),
        answering('/206', 206, { 'content-range': 'bytes 0-5/10' }),
        answering('/no-store', 200, { 'cache-control': 'no-store' }),
        answering('/private', 200, { 'cache-control': 'private' }),
        answering('/no-cache', 200, { 'cache-control': 'no-cache' }),
        answering('/star', 200, { vary: '*' }),
        answering('/nonce', 200, { 'content-security-policy': "script-src 'nonce-abc'" }),
        answering('/origin', 200, { 'access-control-allow-origin': 'https://one.example' }),
      ]
      const { url } = await serve({ routes })
      for (const { path } of routes) await assertNotStored(url + path)
    },
  },
  {
    name: 'a handler that throws stores nothing',
    run: async ({ serve }) => {
      let fails = true
      const flaky: AdapterRoute = {
        ...me,
        handle: () => {
          if (fails) throw new Error('broken')
          return { body: 'fine' }
        },
      }
      const { url } = await serve({ routes: [flaky] })
      assert.equal((await rawFetch(`${url}/me`)).status, 500)
      fails = false
      assert.equal((await rawFetch(`${url}/me`)).body, 'fine')
    },
  },
  {
    name: 'a body that breaks off is not stored',
    run: async ({ serve }) => {
      let breaks = true
      const pieces = async function* () {
        yield 'first half, '
        if (breaks) throw new Error('the source broke off')
        yield 'second half'
      }
      const streamed: AdapterRoute = { ...me, handle: () => ({ headers: { 'content-type': 'text/plain' }, pieces }) }
      const { url } = await serve({ routes: [streamed] })
      const cut = await rawFetch(`${url}/me`).catch(() => undefined)
      assert.ok(cut === undefined || cut.broken)
      breaks = false
      assert.equal((await rawFetch(`${url}/me`)).body, 'first half, second half')
    },
  },
  {
    name: 'a client that goes away in the middle leaves no part of an answer behind',
    run: async ({ serve }) => {
      const { promise: gone, resolve: leave } = withResolvers()
      let first = true
      const pieces = async function* () {
        yield 'first half, '
        if (first) await gone
        first = false
        yield 'second half'
      }
      const streamed: AdapterRoute = { ...me, handle: () => ({ headers: { 'content-type': 'text/plain' }, pieces }) }
      const { url } = await serve({ routes: [streamed] })
      await leaveAtFirstByte(`${url}/me`)
      leave()
      assert.equal((await rawFetch(`${url}/me`)).body, 'first half, second half')
    },
  },
  {
    name: 'POST neither fills nor gets what GET answers, also when it claims to be GET',
    run: async ({ serve }) => {
      const get: AdapterRoute = { ...me, handle: () => ({ body: 'got' }) }
      const post: AdapterRoute = { ...me, method: 'POST', handle: () => ({ body: 'posted' }) }
      const { url } = await serve({ routes: [get, post] })
      const override = { 'x-http-method-override': 'GET' }
      assert.equal((await rawFetch(`${url}/me`, { method: 'POST', headers: override })).body, 'posted')
      assert.equal((await rawFetch(`${url}/me`)).body, 'got')
      assert.equal((await rawFetch(`${url}/me`, { method: 'POST' })).body, 'posted')
      assert.equal((await rawFetch(`${url}/me`, { headers: { 'x-http-method-override': 'POST' } })).body, 'got')
    },
  },
  {
    name: 'hosts are told apart, and a forwarded host that nobody vouches for does not count',
    run: async ({ serve }) => {
      const links: AdapterRoute = { ...me, handle: ({ headers }) => ({ body: String(headers.host) }) }
      const { url } = await serve({ routes: [links] })
      assert.equal((await rawFetch(`${url}/me`, { headers: { host: 'one.example' } })).body, 'one.example')
      assert.equal((await rawFetch(`${url}/me`, { headers: { host: 'two.example' } })).body, 'two.example')
      const forwarded = { host: 'one.example', 'x-forwarded-host': 'evil.example' }
      assert.equal((await rawFetch(`${url}/me`, { headers: forwarded })).body, 'one.example')
    },
  },
  {
    name: 'no parameter can pass for a part of a key: separators, wildcards and doubled parameters stay themselves',
    run: async ({ serve }) => {
      const { url } = await serve({
        routes: [
          {
            method: 'GET',
            path: '/a/:one/:two',
            cache: { key: 'pair:{one}:{two}', ttl: '1h' },
            handle: ({ params, query }) => ({ body: { ...params, query } }),
          },
        ],
      })
      const paths = [
        '/a/x:y/z',
        '/a/x/y:z',
        '/a/x%3Ay/z',
        '/a/*/z',
        '/a/x%2Fy/z',
        '/a/x/y%2Fz',
        '/a/x/z?q=1&q=2',
        '/a/x/z?q=2&q=1',
        '/a/x/z?q=1',
        '/a/x/z?q=1%26q%3D2',
        '/a/x/z?q%5B%5D=1',
        '/a/x/z?q=%2A',
      ]
      const seen = new Map<string, string>()
      for (const path of paths) {
        const { body } = await rawFetch(url + path)
        seen.set(path, body)
      }
      for (const path of paths) assert.equal((await rawFetch(url + path)).body, seen.get(path), path)
      assert.equal(seen.get('/a/x:y/z'), seen.get('/a/x%3Ay/z'))
      assert.equal(new Set(seen.values()).size, paths.length - 1)
    },
  },
]

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** A connection on which less comes than was announced stays open: nobody waits for it. */
function withDeadline<Value>(work: Promise<Value>, ms: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no whole answer within ${ms} ms`)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
