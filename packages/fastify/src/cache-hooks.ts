import type { IncomingHttpHeaders } from 'node:http'
import {
  type HeaderFields,
  isSelectedParameter,
  type Opening,
  type OutgoingResponse,
  type Principal,
  type PriorFields,
  type QuerySelection,
  type RequestFacts,
  type RouteCache,
  type RoutePolicy,
  type RouteRequest,
  type RouteSession,
} from '@plinth/cache/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { streamPayload, teeStream, wholePayload } from './captured-payload.js'
import { cacheFacts, replyFields } from './request-facts.js'

/** One request that a handler answers for the cache. */
interface Passage {
  readonly session: RouteSession
  readonly prior: HeaderFields
  /** Request headers that were changed for the handler, as they were. */
  readonly changed: Readonly<Record<string, string | string[] | undefined>>
  /** The request's headers themselves; the handler may have been given an observed view of them. */
  readonly headers: IncomingHttpHeaders
}

/** Answers cached routes from the cache, and fills it from their answers. */
export class CacheHooks {
  readonly #routes: RouteCache
  readonly #passages = new WeakMap<FastifyRequest, Passage>()

  constructor(routes: RouteCache) {
    this.#routes = routes
  }

  /** Answers from the cache and gives `true`, or prepares the request for its handler; at once where it can. */
  open(
    policy: RoutePolicy,
    route: string,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): boolean | Promise<boolean> {
    const opening = this.#routes.open(policy, new CachedRequest(route, principal, request, reply))
    return opening instanceof Promise
      ? opening.then((settled) => this.#go(settled, request, reply))
      : this.#go(opening, request, reply)
  }

  #go(opening: Opening, request: FastifyRequest, reply: FastifyReply): boolean {
    if (opening.kind === 'answer') {
      send(reply, opening.response)
      return true
    }
    const { session } = opening
    const prior = replyFields(reply)
    const changed = changeHeaders(request, session.requestFields)
    const { headers } = request.raw
    this.#passages.set(request, { session, prior, changed, headers })
    request.raw.headers = session.watch(headers) as IncomingHttpHeaders
    if (session.query !== 'all') request.query = visibleQuery(request.query, session.query)
    reply.raw.once('close', () => {
      if (!reply.raw.writableEnded) session.abandon('incomplete')
    })
    return false
  }

  /** Takes the payload as the handler made it; gives the payload to send. */
  take(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const passage = this.#passages.get(request)
    if (passage === undefined) return payload
    const { session, prior, changed, headers } = passage
    request.raw.headers = headers
    changeHeaders(request, changed)
    const body = wholePayload(payload)
    const head = { status: reply.statusCode, fields: replyFields(reply), prior }
    if (body !== undefined) {
      const response = session.finish({ ...head, body })
      applyHead(reply, response)
      return response.body === body ? payload : response.status === 304 ? null : Buffer.from(response.body)
    }
    this.#passages.delete(request)
    const stream = streamPayload(payload)
    if (stream === undefined) {
      session.abandon('incomplete')
      return payload
    }
    applyFields(reply, session.begin(head))
    return teeStream(stream, session.keepsBytes, async (end) => {
      if (end.complete) await session.end({ ...head, body: end.body })
      else session.abandon(end.tooLarge ? 'too-large' : 'incomplete')
    })
  }

  /** Stores what was taken, now that the head is as it will be sent; `undefined` when there is nothing to store. */
  store(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    return this.#passages.get(request)?.session.store(replyFields(reply))
  }
}

/** A request as the cache asks about it. */
class CachedRequest implements RouteRequest {
  readonly facts: RequestFacts
  readonly prior: PriorFields
  readonly #request: FastifyRequest

  constructor(route: string, principal: Principal | undefined, request: FastifyRequest, reply: FastifyReply) {
    this.facts = cacheFacts(request, route, principal)
    this.prior = { vary: field(reply, 'vary'), 'cache-control': field(reply, 'cache-control') }
    this.#request = request
  }

  /** Through authentication as the first time, answered to nobody. */
  async replay(): Promise<void> {
    const { raw, server } = this.#request
    const { remoteAddress } = raw.socket
    await server.inject({
      method: 'GET',
      url: raw.url ?? '/',
      headers: { ...raw.headers },
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
    })
  }
}

function field(reply: FastifyReply, name: string): string | readonly string[] | undefined {
  const value = reply.getHeader(name)
  return typeof value === 'number' ? String(value) : value
}

/** Sends a response of the cache. */
function send(reply: FastifyReply, response: OutgoingResponse): void {
  applyHead(reply, response)
  const { body } = response
  if (body.length === 0 && response.status === 304) reply.send()
  else reply.send(Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength))
}

function applyHead(reply: FastifyReply, response: OutgoingResponse): void {
  reply.code(response.status)
  applyFields(reply, response.fields)
}

function applyFields(reply: FastifyReply, fields: OutgoingResponse['fields']): void {
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) reply.removeHeader(name)
    else reply.header(name, value)
  }
}

/** Changes request headers; gives what they were, in the same shape. */
function changeHeaders(request: FastifyRequest, changes: Passage['changed']): Passage['changed'] {
  const { headers } = request.raw
  const before: Record<string, string | string[] | undefined> = {}
  for (const [name, value] of Object.entries(changes)) {
    before[name] = headers[name]
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
  return before
}

/** The handler sees only what tells answers apart. */
function visibleQuery(query: unknown, selection: QuerySelection): unknown {
  if (typeof query !== 'object' || query === null) return query
  return Object.fromEntries(Object.entries(query).filter(([name]) => isSelectedParameter(name, selection)))
}
