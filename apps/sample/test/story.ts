import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Check } from '@plinth/core/checks'
import { type Client, signUp } from './client.js'

/** What a story is told to: the service, asked by nobody in particular. */
export interface Story {
  readonly client: Client
}

/** What everybody can rely on, whatever the framework and the backends. Told over real HTTP, each on its own members. */
export const story: readonly Check<Story>[] = [
  {
    name: 'health is answered, and readiness passes',
    run: async ({ client }) => {
      for (const path of ['/livez', '/readyz', '/startupz', '/healthz']) {
        const { status, headers } = await client.get(path)
        assert.equal(status, 200, path)
        assert.equal(headers.get('cache-control'), 'no-store')
      }
    },
  },
  {
    name: 'the home page and its parts are served with a policy that runs nothing foreign',
    run: async ({ client }) => {
      const page = await client.get('/')
      assert.equal(page.status, 200)
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
      assert.equal((await client.get('/home.js')).status, 200)
      assert.equal((await client.get('/home.css')).status, 200)
    },
  },
  {
    name: 'signing up answers a key once, and queues the welcome mail; the same address again is refused',
    run: async ({ client }) => {
      const body = { name: 'Grace', email: `grace-${crypto.randomUUID()}@example.com` }
      const first = await client.ask('POST', '/members', body)
      assert.equal(first.status, 201)
      assert.match(first.json.apiKey, /^pk_/)
      assert.equal(first.json.mail, 'queued')
      const again = await client.ask('POST', '/members', body)
      assert.equal(again.status, 409)
      assert.match(again.headers.get('content-type') ?? '', /application\/problem\+json/)
    },
  },
  {
    name: 'bad input, a missing key and unknown things are told as problems, without a stack',
    run: async ({ client }) => {
      const bad = await client.ask('POST', '/members', { name: '', email: 'nonsense' })
      assert.equal(bad.status, 400)
      assert.equal((await client.get('/members/me')).status, 401)
      assert.equal((await client.get('/posts/999999999')).status, 404)
      assert.equal((await client.get('/posts/abc')).status, 400)
      for (const { text } of [bad]) assert.doesNotMatch(text, /\bat .*\.(ts|js)/)
    },
  },
  {
    name: 'a read is cached by its template, byte for byte, and a write by its owner invalidates it',
    run: async ({ client }) => {
      const ada = await signUp(client)
      const { json: post } = await ada.client.ask('POST', '/posts', { title: 'One', body: 'First version' })
      const first = await client.get(`/posts/${post.id}`)
      const second = await client.get(`/posts/${post.id}`)
      assert.match(second.headers.get('cache-status') ?? '', /;\s*hit/)
      assert.equal(second.text, first.text)
      const etag = second.headers.get('etag') ?? ''
      const unchanged = await client.get(`/posts/${post.id}`, { 'if-none-match': etag })
      assert.equal(unchanged.status, 304)
      assert.equal(unchanged.text, '')

      const changed = await ada.client.ask('PUT', `/posts/${post.id}`, { title: 'Two', body: 'Second version' })
      assert.equal(changed.status, 200)
      const third = await client.get(`/posts/${post.id}`)
      assert.equal(third.json.title, 'Two')
      assert.doesNotMatch(third.headers.get('cache-status') ?? '', /;\s*hit/)

      assert.equal((await ada.client.ask('DELETE', `/posts/${post.id}`)).status, 204)
      assert.equal((await client.get(`/posts/${post.id}`)).status, 404)
    },
  },
  {
    name: 'nobody can change what is not theirs, and a refused write invalidates nothing',
    run: async ({ client }) => {
      const [ada, eve] = [await signUp(client), await signUp(client)]
      const { json: post } = await ada.client.ask('POST', '/posts', { title: 'Mine', body: 'Mine' })
      await client.get(`/posts/${post.id}`)
      assert.equal((await eve.client.ask('PUT', `/posts/${post.id}`, { title: 'Hers', body: 'Hers' })).status, 404)
      const after = await client.get(`/posts/${post.id}`)
      assert.equal(after.json.title, 'Mine')
      assert.match(after.headers.get('cache-status') ?? '', /;\s*hit/)
    },
  },
  {
    name: 'every page of a feed is new after its member has written, and the feeds of others are not touched',
    run: async ({ client }) => {
      const [ada, grace] = [await signUp(client), await signUp(client)]
      for (let i = 1; i <= 6; i++) await ada.client.ask('POST', '/posts', { title: `Post ${i}`, body: 'Text' })
      const feed = (id: number, page: number) => client.get(`/members/${id}/feed?page=${page}`)
      assert.equal((await feed(ada.id, 1)).json.posts.length, 5)
      assert.equal((await feed(ada.id, 2)).json.posts.length, 1)
      assert.equal((await feed(grace.id, 1)).json.posts.length, 0)
      await ada.client.ask('POST', '/posts', { title: 'Post 7', body: 'Text' })
      assert.equal((await feed(ada.id, 2)).json.posts.length, 2)
      assert.equal((await feed(ada.id, 1)).json.posts[0].title, 'Post 7')
      assert.match((await feed(grace.id, 1)).headers.get('cache-status') ?? '', /;\s*hit/)
    },
  },
  {
    name: "a free member's searches are refused beyond the limit with a time to come back; a pro member has ten times as many",
    run: async ({ client }) => {
      const [free, pro] = [await signUp(client, 'free'), await signUp(client, 'pro')]
      for (let i = 0; i < 5; i++) assert.equal((await free.client.get('/search?q=column')).status, 200)
      const refused = await free.client.get('/search?q=column')
      assert.equal(refused.status, 429)
      assert.match(refused.headers.get('content-type') ?? '', /application\/problem\+json/)
      assert.ok(Number(refused.headers.get('retry-after')) >= 1)
      assert.equal(refused.headers.get('cache-control'), 'no-store')
      for (let i = 0; i < 12; i++) assert.equal((await pro.client.get('/search?q=column')).status, 200)
    },
  },
  {
    name: 'an export runs in the background, shows its progress, and leaves a file for its member alone',
    run: async ({ client }) => {
      const [ada, eve] = [await signUp(client), await signUp(client)]
      const started = await ada.client.ask('POST', '/exports')
      assert.equal(started.status, 202)
      let seen = 0
      for (let i = 0; i < 200; i++) {
        const { json } = await ada.client.get(`/exports/${started.json.id}`)
        if (json.status === 'completed') break
        assert.ok(['waiting', 'running'].includes(json.status), json.status)
        seen = Math.max(seen, json.progress?.done ?? 0)
        await pause(100)
      }
      assert.ok(seen > 0, 'progress was seen')
      const file = await ada.client.get(`/exports/${started.json.id}/posts.csv`)
      assert.equal(file.status, 200)
      assert.match(file.text, /^id,member,title,body\n/)
      assert.equal((await eve.client.get(`/exports/${started.json.id}/posts.csv`)).status, 404)
    },
  },
  {
    name: 'the component table names every component',
    run: async ({ client }) => {
      const { json } = await client.get('/status')
      assert.deepEqual(Object.keys(json.components).toSorted(), ['cache', 'database', 'email', 'rateLimiter', 'tasks'])
    },
  },
]
