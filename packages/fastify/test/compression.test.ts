import compress from '@fastify/compress'
import { leakCheck } from '@plinth/testing'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, test } from 'vitest'
import { plinthPlugin } from '../src/index.js'
import { testHost } from './serve-spec.js'

leakCheck()

const text = 'the same bytes, many times. '.repeat(200)

const orders: Readonly<Record<string, (app: FastifyInstance) => void>> = {
  before: (app) => void app.register(compress).register(plinthPlugin, { infra: testHost() }),
  after: (app) => void app.register(plinthPlugin, { infra: testHost() }).register(compress),
}

describe('@fastify/compress', () => {
  for (const [order, register] of Object.entries(orders)) {
    test(`registered ${order} plinthPlugin compresses hits for those who ask, and nobody else gets what was compressed`, async () => {
      const app = fastify()
      register(app)
      app.register(async (child) => {
        child.get('/', { config: { plinth: { cache: { ttl: '1h' } } } }, (_request, reply) =>
          reply.type('text/plain').send(text),
        )
      })
      const url = await app.listen({ port: 0, host: '127.0.0.1' })
      for (const encoding of ['gzip', 'identity', 'gzip', 'identity']) {
        const response = await fetch(url, { headers: { 'accept-encoding': encoding } })
        expect([response.status, await response.text()]).toEqual([200, text])
        expect(response.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null)
      }
      await app.close()
    })
  }
})
