import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { createCache, memoryBackend } from '@plinth/cache'
import type { RouteCacheOptions } from '@plinth/cache/http'
import { createRateLimiter, memoryBackend as limiterMemory } from '@plinth/rate-limit'
import type { FixtureScope } from '@plinth/testing'
import { type AdapterFixture, type AdapterRoute, type AdapterSpec, userOf } from '@plinth/testing/adapter-checks'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import { cached, clientCache, invalidates, limited, type PlinthHost, plinth } from '../src/index.js'

/** A host that carries a cache and a limiter in memory, and answers one path of its own. */
export function testHost(spec: Pick<AdapterSpec, 'policies' | 'rules'> = {}): PlinthHost {
  const { policies = { unused: { limits: ['1/1m'], routed: false } }, rules = {} } = spec
  return {
    cache: createCache({ backend: memoryBackend() }),
    rateLimiter: createRateLimiter({ backend: limiterMemory(), policies, routes: rules }),
    fetch: async (request) =>
      new URL(request.url).pathname === '/livez' ? Response.json({ status: 'pass' }) : undefined,
  }
}

/** Serves specs over Express. */
export function expressFixture(scope: FixtureScope): AdapterFixture {
  return {
    serve: async (spec) => {
      const app = express()
      app.disable('x-powered-by')
      app.set('env', 'test') // keeps Express from writing what handlers throw to the console
      const { addressLimit } = spec
      const identify = (request: Request) => userOf(request.headers.authorization)
      app.use(plinth(testHost(spec), { identify, ...(addressLimit === undefined ? {} : { addressLimit }) }))
      for (const route of spec.routes) declare(app, route)
      const server = createServer(app).listen(0, '127.0.0.1')
      scope.onClose(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
      await new Promise((resolve) => server.once('listening', resolve))
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
    },
  }
}

/** Declares a route as a user would. */
export function declare(app: Express, route: AdapterRoute): void {
  const { method, path, auth, handle, cache, invalidates: changes, client, limit } = route
  const middleware: RequestHandler[] = []
  if (auth) middleware.push(refuseStrangers)
  if (limit !== undefined) middleware.push(limited(limit))
  if (client !== undefined) middleware.push(clientCache(client))
  if (cache !== undefined) middleware.push(cached(cache as RouteCacheOptions))
  if (changes !== undefined) middleware.push(invalidates(changes))
  const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete'
  app[verb](path, ...middleware, async (request: Request, response: Response) => {
    const reply = await handle({
      method: request.method,
      params: request.params as Record<string, string>,
      query: request.query,
      headers: request.headers,
      user: userOf(request.headers.authorization),
    })
    const { status = 200, headers = {}, body, pieces } = reply
    response.status(status).set(headers)
    if (pieces !== undefined) pipeline(Readable.from(pieces()), response, () => {})
    else if (typeof body === 'string' && !response.hasHeader('content-type')) response.type('text/plain').send(body)
    else response.send(body)
  })
}

const refuseStrangers: RequestHandler = (request, response, next) => {
  if (userOf(request.headers.authorization) === undefined) response.status(401).send('who are you?')
  else next()
}
