import type { HeaderFields, Principal, RequestFacts } from '@plinth/cache/http'
import type { RequestFacts as LimitFacts } from '@plinth/rate-limit/http'
import type { Request, Response } from 'express'

/** Gives what the cache is told about a request. Its headers are the request's own, as they are now. */
export function cacheFacts(request: Request, principal: Principal | undefined): RequestFacts {
  const url = request.originalUrl
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const route = routeOf(request)
  return {
    method: request.method,
    route: route ?? `${request.baseUrl}/*`,
    origin: `${request.protocol}://${request.host}`,
    path,
    query: mark < 0 ? '' : url.slice(mark + 1),
    // Without a route there is nothing but the path to tell answers apart by.
    params: route === undefined ? { '*': path } : (request.params as RequestFacts['params']),
    headers: request.headers,
    principal,
  }
}

/** Gives what the limiter is told about a request. The address is the one that Express' `trust proxy` resolves. */
export function limitFacts(request: Request, principal: Principal | undefined): LimitFacts {
  return { method: request.method, route: routeOf(request), peer: addressOf(request), principal }
}

/** `request.ip`, which looks at all proxies anew each time it is read; where none is named it is the socket's other end. */
function addressOf(request: Request): string | undefined {
  return request.headers['x-forwarded-for'] === undefined ? request.socket.remoteAddress : request.ip
}

/** Gives the fields of a response as they stand. */
export function responseFields(response: Response): HeaderFields {
  const fields: Record<string, string | readonly string[] | undefined> = {}
  const headers = response.getHeaders()
  for (const name in headers) {
    const value = headers[name]
    fields[name] = typeof value === 'number' ? String(value) : value
  }
  return fields
}

/** The pattern a request matched, with what it is mounted under; `undefined` outside of a route. */
function routeOf(request: Request): string | undefined {
  const route: unknown = request.route
  if (typeof route !== 'object' || route === null || !('path' in route)) return undefined
  return `${request.baseUrl}${String(route.path)}`
}
