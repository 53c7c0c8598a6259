import { Readable } from 'node:stream'
import { createCache, memoryBackend } from '@plinth/cache'
import { createRateLimiter, memoryBackend as limiterMemory } from '@plinth/rate-limit'
import type { FixtureScope } from '@plinth/testing'
import {
  type AdapterFixture,
  type AdapterRoute,
  type AdapterSpec,
  specHost,
  userOf,
} from '@plinth/testing/adapter-checks'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type PlinthHost, type PlinthRouteConfig, plinthPlugin } from '../src/index.js'

/** A host that carries a cache and a limiter in memory, and answers one path of its own. */
export function testHost(spec: Pick<AdapterSpec, 'policies' | 'rules'> = {}): PlinthHost {
  return specHost(spec, {
    cache: () => createCache({ backend: memoryBackend() }),
    rateLimiter: (rules) => createRateLimiter({ backend: limiterMemory(), ...rules }),
  })
}

/** Serves specs over Fastify; routes are declared after a registration that nobody awaits. */
export function fastifyFixture(scope: FixtureScope): AdapterFixture {
  return {
    serve: async (spec) => {
      const app = fastify()
      scope.onClose(() => app.close())
      const { addressLimit, onUnkeyedRead, under } = spec
      app.register(plinthPlugin, {
        infra: testHost(spec),
        identify: (request) => userOf(request.headers.authorization),
        onUnkeyedRead,
        ...(addressLimit === undefined ? {} : { addressLimit }),
      })
      const routes = (child: FastifyInstance) => {
        for (const route of spec.routes) declare(child, route)
      }
      if (under === undefined) routes(app)
      else app.register(async (child) => routes(child), { prefix: under })
      return { url: await app.listen({ port: 0, host: '127.0.0.1' }) }
    },
  }
}

/** Declares a route as a user would; `first` is called at the beginning of its handler. */
export function declare(
  app: FastifyInstance,
  route: AdapterRoute,
  first: (reply: FastifyReply) => unknown = () => {},
): void {
  const { method, path, auth, handle, limit, ...rest } = route
  const plinth = { ...rest, ...(typeof limit === 'string' ? { limit } : {}) }
  app.route({
    method,
    url: path,
    config: { plinth: plinth as PlinthRouteConfig },
    ...(auth ? { preHandler: refuseStrangers } : {}),
    handler: async (request, reply) => {
      first(reply)
      const {
        status = 200,
        headers = {},
        body,
        pieces,
      } = await handle({
        method: request.method,
        params: request.params as Record<string, string>,
        query: request.query as Record<string, unknown>,
        headers: request.headers,
        get user() {
          return userOf(request.headers.authorization)
        },
      })
      reply.code(status).headers(headers as Record<string, string>)
      return reply.send(pieces === undefined ? body : Readable.from(pieces()))
    },
  })
}

async function refuseStrangers(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (userOf(request.headers.authorization) !== undefined) return undefined
  return reply.code(401).send('who are you?')
}
