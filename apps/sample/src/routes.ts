import type { Infra } from '@plinth/app-factory'
import { z } from 'zod'
import type { Exports } from './exports/exports.js'
import { found, memberOf, parsed, type Route } from './http/route.js'
import type { Members } from './members/members.js'
import type { Posts } from './posts/posts.js'

/** What the routes stand on. */
export interface Services {
  readonly infra: Infra
  readonly members: Members
  readonly posts: Posts
  readonly exports: Exports
}

const id = z.coerce.number().int().positive()
const page = z.coerce.number().int().min(1).max(1000).default(1)
const writing = z.object({ title: z.string().trim().min(1).max(200), body: z.string().trim().min(1).max(10_000) })
const joining = z.object({
  name: z.string().trim().min(1).max(100),
  email: z.email().max(200),
  tier: z.enum(['free', 'pro']).default('free'),
})

/** Every route of the service: what it answers, what limits it, how it is cached, and what it invalidates. */
export function describeRoutes({ infra, members, posts, exports }: Services): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/members',
      limit: 'signup',
      handle: async ({ body }) => {
        const { name, email, tier } = parsed(joining, body)
        return { status: 201, body: await members.signUp(name, email, tier) }
      },
    },
    { method: 'GET', path: '/members/me', limit: 'api', handle: async (request) => ({ body: memberOf(request) }) },
    {
      method: 'GET',
      path: '/posts/:id',
      limit: 'api',
      cache: { key: 'post:{id}', ttl: '1h', tags: ['posts'], scope: 'public', query: [] },
      handle: async ({ params }) => ({ body: found(await posts.find(parsed(id, params.id)), 'post') }),
    },
    {
      method: 'POST',
      path: '/posts',
      limit: 'api',
      // A new post shows in its writer's feed, on every page of it, and in searches.
      invalidates: { keys: ['feed:{user.id}'], tags: ['search'] },
      handle: async (request) => {
        const { title, body } = parsed(writing, request.body)
        return { status: 201, body: await posts.create(memberOf(request).id, title, body) }
      },
    },
    {
      method: 'PUT',
      path: '/posts/:id',
      limit: 'api',
      invalidates: { key: 'post:{id}', keys: ['feed:{user.id}'], tags: ['search'] },
      handle: async (request) => {
        const { title, body } = parsed(writing, request.body)
        const post = await posts.update(parsed(id, request.params.id), memberOf(request).id, title, body)
        return { body: found(post, 'post of yours') }
      },
    },
    {
      method: 'DELETE',
      path: '/posts/:id',
      limit: 'api',
      invalidates: { key: 'post:{id}', keys: ['feed:{user.id}'], tags: ['search'] },
      handle: async (request) => {
        const removed = await posts.remove(parsed(id, request.params.id), memberOf(request).id)
        found(removed || undefined, 'post of yours')
        return { status: 204 }
      },
    },
    {
      method: 'GET',
      path: '/members/:id/feed',
      limit: 'api',
      cache: { key: 'feed:{id}:{query.page}', ttl: '5m', scope: 'public', query: ['page'] },
      handle: async ({ params, query }) => ({
        body: await posts.feed(parsed(id, params.id), parsed(page, query.page)),
      }),
    },
    {
      method: 'GET',
      path: '/search',
      limit: 'search',
      cache: { key: 'search:{query.q}', ttl: '30s', tags: ['search', 'posts'], scope: 'public', query: ['q'] },
      handle: async ({ query }) => {
        const text = parsed(z.string().trim().min(1).max(100), query.q)
        return { body: { text, posts: await posts.search(text) } }
      },
    },
    {
      method: 'POST',
      path: '/exports',
      limit: 'export',
      handle: async (request) => ({ status: 202, body: await exports.start(memberOf(request).id) }),
    },
    {
      method: 'GET',
      path: '/exports/:id',
      limit: 'api',
      handle: async (request) => {
        memberOf(request)
        return { body: await exports.state(parsed(z.string().max(100), request.params.id)) }
      },
    },
    {
      method: 'GET',
      path: '/exports/:id/posts.csv',
      limit: 'api',
      handle: async (request) => {
        const csv = await exports.file(parsed(z.string().max(100), request.params.id), memberOf(request).id)
        return { text: { type: 'text/csv; charset=utf-8', content: found(csv, 'finished export of yours') } }
      },
    },
    { method: 'GET', path: '/status', handle: async () => ({ body: statusOf(infra) }) },
  ]
}

function statusOf(infra: Infra) {
  return {
    phase: infra.phase,
    components: infra.status(),
    mail: { transport: infra.email.transport, canDeliver: infra.email.canDeliver },
  }
}
