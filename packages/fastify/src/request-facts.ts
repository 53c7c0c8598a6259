import { fieldLine, type HeaderFields, type Principal, type RequestFacts } from '@plinth/cache/http'
import type { RequestFacts as LimitFacts } from '@plinth/rate-limit/http'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Gives what the cache is told about a request. Its headers are the request's own, as they are now. */
export function cacheFacts(request: FastifyRequest, route: string, principal: Principal | undefined): RequestFacts {
  const url = request.raw.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: request.method,
    route,
    origin: `${request.protocol}://${request.host}`,
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    params: request.params as Record<string, string>,
    headers: request.headers,
    principal,
  }
}

/** Gives what the limiter is told about a request. The address is the one that Fastify's `trustProxy` resolves. */
export function limitFacts(
  request: FastifyRequest,
  route: string | undefined,
  principal: Principal | undefined,
): LimitFacts {
  return { method: request.method, route, peer: request.ip, principal }
}

/** Gives the fields of a reply as they stand. */
export function replyFields(reply: FastifyReply): HeaderFields {
  const fields: Record<string, string | readonly string[] | undefined> = {}
  const headers = reply.getHeaders()
  for (const name in headers) {
    const value = headers[name]
    fields[name.toLowerCase()] = typeof value === 'number' ? String(value) : value
  }
  return fields
}

/** Gives one field of a reply as text. */
export function replyField(reply: FastifyReply, name: string): string | undefined {
  return fieldLine(replyFields(reply), name)
}
