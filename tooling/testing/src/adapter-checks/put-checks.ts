import assert from 'node:assert/strict'
import type { Check } from '../register-checks.js'
import type { AdapterFixture, AdapterRoute } from './adapter-app.js'
import { cacheOutcome, rawFetch } from './raw-fetch.js'

const options = { key: 'post:{id}', ttl: '1h', scope: 'public' } as const

/** A resource that is read by `GET` and written by `PUT`, which answers with what was written. */
function resource(change: Partial<AdapterRoute> = {}) {
  let version = 1
  let reads = 0
  let writes = 0
  const get: AdapterRoute = {
    method: 'GET',
    path: '/posts/:id',
    cache: options,
    handle: ({ params }) => {
      reads += 1
      return { body: { id: params.id, version } }
    },
  }
  const put: AdapterRoute = {
    method: 'PUT',
    path: '/posts/:id',
    puts: options,
    handle: ({ params }) => {
      writes += 1
      version += 1
      return { body: { id: params.id, version } }
    },
    ...change,
  }
  return { routes: [get, put], counts: () => ({ reads, writes }) }
}

const change = { method: 'PUT' }

/** What a route promises over any adapter whose answers are put into the cache. */
export const putChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'a route that puts always runs its handler, and its answer is the next hit, with the same bytes',
    run: async ({ serve }) => {
      const posts = resource()
      const { url } = await serve({ routes: posts.routes })
      await rawFetch(`${url}/posts/1`)
      for (let time = 0; time < 2; time += 1) {
        const written = await rawFetch(`${url}/posts/1`, change)
        const read = await rawFetch(`${url}/posts/1`)
        assert.deepEqual([cacheOutcome(read), read.body], ['hit', written.body])
        assert.equal(read.headers['content-type'], written.headers['content-type'])
        assert.ok(read.headers.etag)
      }
      assert.deepEqual(posts.counts(), { reads: 1, writes: 2 })
    },
  },
  {
    name: 'what is put stands for its own path and nothing else; other answers under it are invalidated',
    run: async ({ serve }) => {
      const posts = resource()
      const { url } = await serve({ routes: posts.routes })
      for (const path of ['/posts/1?view=full', '/posts/2']) await rawFetch(url + path)
      await rawFetch(`${url}/posts/1`, change)
      const outcomes = []
      for (const path of ['/posts/1', '/posts/1?view=full', '/posts/2']) {
        outcomes.push(cacheOutcome(await rawFetch(url + path)))
      }
      assert.deepEqual(outcomes, ['hit', 'uri-miss stored', 'hit'])
    },
  },
  {
    name: 'what is created is the next hit as if it had been read: with 200, without the location',
    run: async ({ serve }) => {
      const handle = () => ({ status: 201, headers: { location: '/posts/1' }, body: 'new' })
      const { url } = await serve({ routes: resource({ handle }).routes })
      assert.equal((await rawFetch(`${url}/posts/1`, change)).status, 201)
      const { status, body, headers } = await rawFetch(`${url}/posts/1`)
      assert.deepEqual([status, body, headers.location], [200, 'new', undefined])
    },
  },
  {
    name: 'a failed change, one without a body, one that sets a cookie or forbids it is not put',
    run: async ({ serve }) => {
      const answers = [
        { status: 409, body: 'conflict' },
        { status: 204 },
        { status: 202, body: 'later' },
        { headers: { 'set-cookie': 'sid=1' }, body: 'with a cookie' },
        { headers: { 'cache-control': 'no-store' }, body: 'secret' },
      ]
      for (const answer of answers) {
        const { url } = await serve({ routes: resource({ handle: () => answer }).routes })
        await rawFetch(`${url}/posts/1`, change)
        const { body } = await rawFetch(`${url}/posts/1`)
        assert.deepEqual(JSON.parse(body), { id: '1', version: 1 }, `after ${answer.status ?? 200}`)
      }
    },
  },
  {
    name: 'of two changes at the same time neither is put, unless one begins after the other has ended',
    run: async ({ serve }) => {
      let both = () => {}
      const together = new Promise<void>((resolve) => {
        both = resolve
      })
      let inside = 0
      const handle: AdapterRoute['handle'] = async ({ headers }) => {
        inside += 1
        if (inside === 2) both()
        if (inside <= 2) await together
        return { body: String(headers['x-write']) }
      }
      const posts = resource({ handle })
      const { url } = await serve({ routes: posts.routes })
      const write = (name: string) => rawFetch(`${url}/posts/1`, { ...change, headers: { 'x-write': name } })
      await Promise.all([write('one'), write('other')])
      const after = await rawFetch(`${url}/posts/1`)
      // Whichever ended last has invalidated what the first may have put.
      assert.ok(cacheOutcome(after) !== 'hit' || ['one', 'other'].includes(after.body))
      await write('third')
      const { body } = await rawFetch(`${url}/posts/1`)
      assert.equal(body, 'third')
    },
  },
  {
    name: 'what a caller writes who passes the cache by is put for nobody',
    run: async ({ serve }) => {
      const undeclared = { key: 'post:{id}', ttl: '1h' }
      const posts = resource({ puts: undeclared })
      const [get, put] = posts.routes as [AdapterRoute, AdapterRoute]
      const { url } = await serve({ routes: [{ ...get, cache: undeclared }, put] })
      await rawFetch(`${url}/posts/1`, { ...change, headers: { authorization: 'user ada' } })
      assert.equal(cacheOutcome(await rawFetch(`${url}/posts/1`)), 'uri-miss stored')
    },
  },
]

const reading = (name: string): AdapterRoute => ({
  method: 'GET',
  path: '/page',
  cache: { ttl: '1h', scope: 'public' },
  handle: ({ headers }) => ({ body: String(headers[name]) }),
})

/** What is promised about handlers that read what answers are not told apart by, where somebody looks. */
export const unkeyedReadChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'an answer whose handler read a header that is not keyed is reported by name and not stored',
    run: async ({ serve }) => {
      const reads: unknown[] = []
      const { url } = await serve({ routes: [reading('x-theme')], onUnkeyedRead: (read) => reads.push(read) })
      const dark = await rawFetch(`${url}/page`, { headers: { 'x-theme': 'dark' } })
      assert.deepEqual([dark.body, cacheOutcome(dark)], ['dark', 'uri-miss unkeyed-read'])
      assert.equal((await rawFetch(`${url}/page`, { headers: { 'x-theme': 'light' } })).body, 'light')
      assert.deepEqual(reads[0], { route: '/page', headers: ['x-theme'] })
    },
  },
  {
    name: 'credentials and cookies read under a public scope are reported, and all headers at once as well',
    run: async ({ serve }) => {
      const reads: string[][] = []
      const all: AdapterRoute = {
        ...reading(''),
        path: '/all',
        handle: ({ headers }) => ({ body: { ...headers } }),
      }
      const { url } = await serve({
        routes: [reading('authorization'), { ...reading('cookie'), path: '/cookie' }, all],
        onUnkeyedRead: ({ headers }) => reads.push([...headers]),
      })
      for (const path of ['/page', '/cookie', '/all']) await rawFetch(url + path)
      assert.deepEqual(reads, [['authorization'], ['cookie'], ['*']])
    },
  },
  {
    name: 'what the route or the handler names by vary may be read, and so may what is part of every key',
    run: async ({ serve }) => {
      const reads: unknown[] = []
      const named: AdapterRoute = { ...reading('x-theme'), cache: { ttl: '1h', scope: 'public', vary: ['x-theme'] } }
      const said: AdapterRoute = {
        ...reading('x-theme'),
        path: '/said',
        handle: ({ headers }) => ({ headers: { vary: 'x-theme' }, body: `${headers['x-theme']} ${headers.host}` }),
      }
      const { url } = await serve({ routes: [named, said], onUnkeyedRead: (read) => reads.push(read) })
      for (const path of ['/page', '/said']) {
        await rawFetch(url + path, { headers: { 'x-theme': 'dark' } })
        assert.equal(cacheOutcome(await rawFetch(url + path, { headers: { 'x-theme': 'dark' } })), 'hit')
      }
      assert.deepEqual(reads, [])
    },
  },
]
