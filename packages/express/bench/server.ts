// A server for the benchmark beside it: `server.ts VARIANT [REDIS_URL]`; writes its URL as one line of JSON.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Cache, createCache, memoryBackend } from '@plinth/cache'
import { redisBackend } from '@plinth/cache/redis'
import { openRedis } from '@plinth/core/redis'
import { createRateLimiter, memoryBackend as limiterMemory } from '@plinth/rate-limit'
import express, { type Express, type Response } from 'express'
import { Redis } from 'ioredis'
import { cached, limited, plinth } from '../src/index.js'

const post = { id: 42, title: 'A post', text: 'x'.repeat(1_000), tags: ['one', 'two', 'three'] }
const bytes = Buffer.from(JSON.stringify(post))

const [variant = '', redisUrl = ''] = process.argv.slice(2)

const variants: Readonly<Record<string, (app: Express) => Promise<void> | void>> = {
  bare: (app) => {
    app.get('/posts/:id', (_request, response) => sendJson(response, bytes))
  },
  'bare object': (app) => {
    app.get('/posts/:id', (_request, response) => void response.json(post))
  },
  getBuffer: async (app) => {
    const redis = new Redis(redisUrl)
    await redis.set('post:42', bytes)
    app.get('/posts/:id', async (request, response) =>
      sendJson(response, await redis.getBuffer(`post:${request.params.id}`)),
    )
  },
  'cached in memory': (app) => cachedRoute(app, createCache({ backend: memoryBackend() })),
  'cached in Redis': async (app) =>
    cachedRoute(app, createCache({ backend: redisBackend(await openRedis({ url: redisUrl })) })),
  limited: (app) => {
    const policies = { api: { limits: ['1000000/1s'] } }
    const rateLimiter = createRateLimiter({ backend: limiterMemory(), policies })
    app.use(plinth({ rateLimiter }))
    app.get('/posts/:id', limited('api'), (_request, response) => void response.json(post))
  },
}

function cachedRoute(app: Express, cache: Cache): void {
  app.use(plinth({ cache }))
  const options = { key: 'post:{id}', ttl: '1h', tags: ['posts'] } as const
  app.get('/posts/:id', cached(options), (_request, response) => void response.json(post))
}

function sendJson(response: Response, body: Buffer | null): void {
  response.set('content-type', 'application/json; charset=utf-8').send(body)
}

const app = express()
await variants[variant]?.(app)
const server = createServer(app).listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
})
