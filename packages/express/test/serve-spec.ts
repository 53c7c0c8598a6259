import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { createCache, memoryBackend } from '@plinth/cache'
import type { RouteCacheOptions } from '@plinth/cache/http'
import { createRateLimiter, memoryBackend as limiterMemory } from '@plinth/rate-limit'
import type { FixtureScope } from '@plinth/testing'
import {
  type AdapterApp,
  type AdapterFixture,
  type AdapterRoute,
  type AdapterSpec,
  type Ask,
  specHost,
  userOf,
} from '@plinth/testing/adapter-checks'
import express, { type Express, type IRouter, type Request, type RequestHandler, type Response } from 'express'
import { cached, clientCache, invalidates, limited, type PlinthHost, plinth, puts } from '../src/index.js'

/** A host that carries a cache and a limiter in memory, and answers one path of its own. */
export function testHost(spec: Pick<AdapterSpec, 'policies' | 'rules'> = {}): PlinthHost {
  return specHost(spec, {
    cache: () => createCache({ backend: memoryBackend() }),
    rateLimiter: (rules) => createRateLimiter({ backend: limiterMemory(), ...rules }),
  })
}

/** Serves an app until the check is over. */
export async function listenFor(scope: FixtureScope, build: (app: Express) => void): Promise<AdapterApp> {
  const app = express()
  app.disable('x-powered-by')
  app.set('env', 'test') // keeps Express from writing what handlers throw to the console
  build(app)
  const server = createServer(app).listen(0, '127.0.0.1')
  scope.onClose(() => new Promise((resolve) => server.close(resolve).closeAllConnections()))
  await new Promise((resolve) => server.once('listening', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Serves specs over Express. */
export function expressFixture(scope: FixtureScope): AdapterFixture {
  return {
    serve: (spec) =>
      listenFor(scope, (app) => {
        const { addressLimit, onUnkeyedRead, under } = spec
        const limited = addressLimit === undefined ? {} : { addressLimit }
        app.use(plinth(testHost(spec), { identify, onUnkeyedRead, ...limited }))
        const router = under === undefined ? app : express.Router()
        for (const route of spec.routes) declare(router, route)
        if (under !== undefined) app.use(under, router)
      }),
  }
}

/** Declares a route as a user would. */
export function declare(app: IRouter, route: AdapterRoute): void {
  const { method, path, auth, cache, invalidates: changes, puts: put, client, limit } = route
  const middleware: RequestHandler[] = []
  if (auth) middleware.push(refuseStrangers)
  if (limit !== undefined) middleware.push(limited(limit === true ? undefined : limit))
  if (client !== undefined) middleware.push(clientCache(client))
  if (cache !== undefined) middleware.push(cached(cache as RouteCacheOptions))
  if (changes !== undefined) middleware.push(invalidates(changes))
  if (put !== undefined) middleware.push(puts(put))
  const verb = method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options'
  app[verb](path, ...middleware, replyWith(route, identify))
}

/** The handler of a route. */
export function replyWith({ handle }: AdapterRoute, user: (request: Request) => Ask['user']): RequestHandler {
  return async (request: Request, response: Response) => {
    const reply = await handle({
      method: request.method,
      params: request.params as Record<string, string>,
      query: request.query,
      headers: request.headers,
      get user() {
        return user(request)
      },
    })
    const { status = 200, headers = {}, body, pieces } = reply
    response.status(status).set(headers)
    if (pieces !== undefined) pipeline(Readable.from(pieces()), response, () => {})
    else if (typeof body === 'string' && !response.hasHeader('content-type')) response.type('text/plain').send(body)
    else response.send(body)
  }
}

/** Who a request says it is. */
export function identify(request: Request): Ask['user'] {
  return userOf(request.headers.authorization)
}

/** Authentication as a middleware of a route. */
export const refuseStrangers: RequestHandler = (request, response, next) => {
  if (identify(request) === undefined) response.status(401).send('who are you?')
  else next()
}
