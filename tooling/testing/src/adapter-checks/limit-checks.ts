import assert from 'node:assert/strict'
import type { Check } from '../register-checks.js'
import type { AdapterFixture, AdapterRoute } from './adapter-app.js'
import { cacheOutcome, rawFetch } from './raw-fetch.js'

const policies = { two: { limits: ['2/1m'] } }
const hello: AdapterRoute = { method: 'GET', path: '/hello/:name', limit: 'two', handle: () => ({ body: 'hello' }) }

async function statusesOf(url: string, paths: readonly string[], headers: Record<string, string> = {}) {
  const statuses: number[] = []
  for (const path of paths) statuses.push((await rawFetch(url + path, { headers })).status)
  return statuses
}

/** What a limited route promises over any adapter. */
export const limitChecks: readonly Check<AdapterFixture>[] = [
  {
    name: 'a request over the limit is refused with 429, when to come back, and a problem document that is not kept',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [hello], policies })
      const first = await rawFetch(`${url}/hello/a`)
      assert.match(String(first.headers.ratelimit), /^"two";r=1/)
      await rawFetch(`${url}/hello/a`)
      const refused = await rawFetch(`${url}/hello/a`)
      assert.equal(refused.status, 429)
      assert.match(String(refused.headers['retry-after']), /^\d+$/)
      assert.equal(refused.headers['content-type'], 'application/problem+json')
      assert.equal(refused.headers['cache-control'], 'no-store')
      const problem = JSON.parse(refused.body)
      assert.deepEqual([problem.status, problem['violated-policies']], [429, ['two']])
    },
  },
  {
    name: 'a cached answer counts too, and a refusal is never cached',
    run: async ({ serve }) => {
      const cached: AdapterRoute = { ...hello, cache: { ttl: '1h' } }
      const { url } = await serve({ routes: [cached], policies })
      const answers = []
      for (let time = 0; time < 3; time += 1) answers.push(await rawFetch(`${url}/hello/a`))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 429],
      )
      assert.deepEqual(answers.slice(0, 2).map(cacheOutcome), ['uri-miss stored', 'hit'])
    },
  },
  {
    name: 'a route counts as one, however its path is spelt and whatever its parameters are',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [hello], policies })
      const statuses = await statusesOf(url, ['/hello/a', '/hello/%61', '/hello/b?x=1', '/hello/%62'])
      assert.deepEqual(statuses, [200, 200, 429, 429])
    },
  },
  {
    name: 'no way to write a path opens a new budget: case, slashes, escapes, parameters',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [hello], policies })
      assert.deepEqual(await statusesOf(url, ['/hello/a', '/hello/a', '/hello/a']), [200, 200, 429])
      const spelt = [
        '/HELLO/a',
        '/hello/a/',
        '//hello/a',
        '/hello//a',
        '/%68ello/a',
        '/hello/A',
        '/hello/a%2f',
        '/hello/a;b',
      ]
      const statuses = await statusesOf(url, [...spelt, '/hello/a?b', '/hello/a%00', '/hello/%E4', '/hello/a#b'])
      assert.deepEqual(
        statuses.filter((status) => status === 200),
        [],
      )
    },
  },
  {
    name: 'a rule holds for the methods it names, OPTIONS among them, and for no others',
    run: async ({ serve }) => {
      const routes = (['GET', 'OPTIONS'] as const).map((method): AdapterRoute => ({ ...hello, method, limit: true }))
      const { url } = await serve({ routes, policies, rules: { 'OPTIONS /hello/:name': 'two' } })
      const statuses: number[] = []
      for (const method of ['OPTIONS', 'OPTIONS', 'OPTIONS', 'GET', 'GET', 'GET']) {
        statuses.push((await rawFetch(`${url}/hello/a`, { method })).status)
      }
      assert.deepEqual(statuses, [200, 200, 429, 200, 200, 200])
    },
  },
  {
    name: 'limits hold for routes in a child of the app, by name and by rule, and one budget is one wherever it is charged',
    run: async ({ serve }) => {
      const ruled: AdapterRoute = { ...hello, path: '/ruled/:name', limit: true }
      const rules = { '/api/ruled/*': 'three' }
      const both = { ...policies, three: { limits: ['3/1m'] } }
      const { url } = await serve({ routes: [hello, ruled], policies: both, rules, under: '/api' })
      assert.deepEqual(await statusesOf(url, ['/api/hello/a', '/api/hello/b', '/api/hello/c']), [200, 200, 429])
      const byRule = ['/api/ruled/a', '/api/ruled/b', '/api/ruled/c', '/api/ruled/d']
      assert.deepEqual(await statusesOf(url, byRule), [200, 200, 200, 429])
    },
  },
  {
    name: 'users have budgets of their own, and HEAD is charged like GET',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [hello], policies })
      const ada = { authorization: 'user ada' }
      await rawFetch(`${url}/hello/a`, { method: 'HEAD', headers: ada })
      assert.deepEqual(await statusesOf(url, ['/hello/a', '/hello/a'], ada), [200, 429])
      assert.deepEqual(await statusesOf(url, ['/hello/a'], { authorization: 'user bob' }), [200])
      assert.deepEqual(await statusesOf(url, ['/hello/a', '/hello/a', '/hello/a']), [200, 200, 429])
    },
  },
  {
    name: 'what no route takes is charged to the address as well',
    run: async ({ serve }) => {
      const { url } = await serve({ routes: [], policies, addressLimit: 'two' })
      assert.deepEqual(await statusesOf(url, ['/none', '/nothing', '/no']), [404, 404, 429])
    },
  },
  {
    name: 'a renewal in the background is charged to nobody',
    run: async ({ serve }) => {
      let runs = 0
      const stale: AdapterRoute = {
        ...hello,
        cache: { ttl: 1, swr: '1h' },
        handle: () => ({ body: String(++runs) }),
      }
      const { url } = await serve({ routes: [stale], policies })
      await rawFetch(`${url}/hello/a`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await rawFetch(`${url}/hello/a`)
      for (let waited = 0; runs < 2 && waited < 200; waited += 1) await new Promise((go) => setTimeout(go, 10))
      assert.equal(runs, 2)
      assert.equal((await rawFetch(`${url}/hello/a`)).status, 429)
    },
  },
]
