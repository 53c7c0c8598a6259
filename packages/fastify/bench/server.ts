// A server for the benchmark beside it: `server.ts VARIANT [REDIS_URL]`; writes its URL as one line of JSON.
import { createCache, memoryBackend } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { createRateLimiter, memoryBackend as limiterMemory } from '@plinth/rate-limit'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { Redis } from 'ioredis'
import { plinthPlugin } from '../src/index.js'

const post = { id: 42, title: 'A post', text: 'x'.repeat(1_000), tags: ['one', 'two', 'three'] }
const bytes = Buffer.from(JSON.stringify(post))

const [variant = '', redisUrl = ''] = process.argv.slice(2)

const variants: Readonly<Record<string, (app: FastifyInstance) => Promise<void> | void>> = {
  bare: (app) => {
    app.get('/posts/:id', (_request, reply) => sendJson(reply, bytes))
  },
  'bare object': (app) => {
    app.get('/posts/:id', async () => post)
  },
  getBuffer: async (app) => {
    const redis = new Redis(redisUrl)
    await redis.set('post:42', bytes)
    app.get<{ Params: { id: string } }>('/posts/:id', async (request, reply) =>
      sendJson(reply, await redis.getBuffer(`post:${request.params.id}`)),
    )
  },
  'cached in memory': (app) => cachedRoute(app, createCache({ backend: memoryBackend() })),
  'cached in Redis': async (app) =>
    cachedRoute(app, createCache({ backend: redisBackend(await openRedis({ url: redisUrl })) })),
  limited: (app) => {
    const policies = { api: { limits: ['1000000/1s'] } }
    const rateLimiter = createRateLimiter({ backend: limiterMemory(), policies })
    app.register(plinthPlugin, { infra: { rateLimiter } })
    app.get('/posts/:id', { config: { plinth: { limit: 'api' } } }, async () => post)
  },
}

function cachedRoute(app: FastifyInstance, cache: ReturnType<typeof createCache>): void {
  app.register(plinthPlugin, { infra: { cache } })
  const config = { plinth: { cache: { key: 'post:{id}', ttl: '1h', tags: ['posts'] } } }
  app.get('/posts/:id', { config }, async () => post)
}

function sendJson(reply: FastifyReply, body: Buffer | null): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(body)
}

const app = fastify()
await variants[variant]?.(app)
console.log(JSON.stringify({ url: await app.listen({ port: 0, host: '127.0.0.1' }) }))
