import type { HeaderFields, Principal, PutSession, RouteCache, RoutePolicy } from '@plinth/cache/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { wholePayload } from './captured-payload.js'
import { cacheFacts, replyFields } from './request-facts.js'

/** One request whose answer is to be put into the cache. */
interface Putting {
  readonly session: PutSession
  /** The reply's fields before the handler ran. */
  readonly prior: HeaderFields
  body: Uint8Array | undefined
}

/** Puts the answers of routes that change a resource in the place of what `GET` for the same path would get. */
export class PutHooks {
  readonly #routes: RouteCache
  readonly #puttings = new WeakMap<FastifyRequest, Putting>()

  constructor(routes: RouteCache) {
    this.#routes = routes
  }

  /** Prepares a request before its handler runs. */
  async open(
    policy: RoutePolicy,
    route: string,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const facts = cacheFacts(request, route, principal)
    const prior = replyFields(reply)
    const session = await this.#routes.put(policy, { facts, prior })
    this.#puttings.set(request, { session, prior, body: undefined })
    reply.raw.once('close', () => session.abandon())
  }

  /** Looks at the payload as the handler made it. What comes as a stream, or is too large, is not put. */
  take(request: FastifyRequest, payload: unknown): void {
    const putting = this.#puttings.get(request)
    if (putting === undefined) return
    const body = wholePayload(payload)
    if (body !== undefined && body.length <= putting.session.keepsBytes) putting.body = body
  }

  /** Runs `invalidate`, and puts the answer into the cache afterwards if nobody else changed the resource in the meantime. */
  async around(invalidate: () => Promise<void>, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const putting = this.#puttings.get(request)
    if (putting?.body === undefined) {
      putting?.session.abandon()
      return invalidate()
    }
    const { session, prior, body } = putting
    const confirmed = await session.confirm(reply.statusCode)
    await invalidate()
    if (confirmed) await session.store({ status: reply.statusCode, fields: replyFields(reply), prior, body })
  }
}
