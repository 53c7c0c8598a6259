import type { Principal } from '@plinth/cache/http'
import type { RateLimiter } from '@plinth/rate-limit'
import { type HttpDecision, type HttpLimitOptions, limitRequest } from '@plinth/rate-limit/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { limitFacts } from './request-facts.js'
import type { RouteLimit } from './route-limit.js'

/** Charges requests to the limiter, and refuses those it does not admit. */
export class LimitHooks {
  readonly #limiter: RateLimiter
  readonly #options: HttpLimitOptions

  constructor(limiter: RateLimiter, options: HttpLimitOptions) {
    this.#limiter = limiter
    this.#options = options
  }

  /** Charges a request to its route's policies, or to what the limiter's route rules say. Resolves to `true` when it was refused and answered. */
  async charge(
    route: string | undefined,
    limit: RouteLimit | undefined,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<boolean> {
    const charged =
      limit === undefined ? {} : { policy: limit.policy, cost: limit.cost(request), subject: limit.subject(request) }
    const facts = limitFacts(request, route, principal)
    return settle(await limitRequest(this.#limiter, facts, charged, this.#options), reply)
  }
}

function settle(answer: HttpDecision, reply: FastifyReply): boolean {
  reply.headers(answer.headers)
  if (!answer.allowed) {
    reply.code(answer.status).send(Buffer.from(answer.body))
    return true
  }
  const { decision } = answer
  if (decision !== undefined) reply.raw.once('close', () => void decision.release())
  return false
}
