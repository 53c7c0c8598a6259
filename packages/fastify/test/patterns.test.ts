import { createCache } from '@plinth/cache'
import { memcachedBackend } from '@plinth/cache/memcached'
import { openMemcached } from '@plinth/core/memcached'
import { leakCheck, startMemcached } from '@plinth/testing'
import fastify, { type FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { type PlinthHost, plinthPlugin } from '../src/index.js'

leakCheck()

async function onMemcached(run: (app: FastifyInstance, infra: PlinthHost) => Promise<void>): Promise<void> {
  const server = await startMemcached()
  const connection = openMemcached({ servers: `${server.host}:${server.port}` })
  const cache = createCache({ backend: memcachedBackend(connection) })
  const app = fastify()
  try {
    await run(app, { cache })
  } finally {
    await app.close()
    await cache.close()
    await connection.close()
    await server.close()
  }
}

const config = { plinth: { invalidates: { patterns: ['feed:*'] } } }

test('patterns on a backend that cannot match them keep the app from getting ready', () =>
  onMemcached(async (app, infra) => {
    app.register(plinthPlugin, { infra })
    app.register(async (child) => child.put('/posts/:id', { config }, async () => ({})))
    await expect(app.ready()).rejects.toMatchObject({ code: 'PATTERN_MATCHING_NOT_SUPPORTED' })
  }))

test('on a route that was there before the plugin, they are refused before its handler has changed anything', () =>
  onMemcached(async (app, infra) => {
    let runs = 0
    app.register(plinthPlugin, { infra })
    app.put('/posts/:id', { config }, async () => {
      runs += 1
      return {}
    })
    const { statusCode } = await app.inject({ method: 'PUT', url: '/posts/1' })
    expect([statusCode, runs]).toEqual([500, 0])
  }))
