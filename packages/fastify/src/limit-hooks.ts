import type { Principal } from '@plinth/cache/http'
import type { RateLimiter } from '@plinth/rate-limit'
import { type HttpDecision, type HttpLimitOptions, RequestLimiter } from '@plinth/rate-limit/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { limitFacts } from './request-facts.js'
import type { RouteLimit } from './route-limit.js'

/** Charges requests to the limiter, and refuses those it does not admit. */
export class LimitHooks {
  readonly #limiter: RequestLimiter

  constructor(limiter: RateLimiter, options: HttpLimitOptions) {
    this.#limiter = new RequestLimiter(limiter, options)
  }

  /** Charges a request to its route's policies, or to what the limiter's route rules say. Gives `true` when it was refused and answered. */
  charge(
    route: string | undefined,
    limit: RouteLimit | undefined,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): boolean | Promise<boolean> {
    const charged =
      limit === undefined
        ? NOTHING_NAMED
        : { policy: limit.policy, cost: limit.cost(request), subject: limit.subject(request) }
    const answer = this.#limiter.limit(limitFacts(request, route, principal), charged)
    return answer instanceof Promise ? answer.then((later) => isRefused(later, reply)) : isRefused(answer, reply)
  }
}

const NOTHING_NAMED = {}

function isRefused(answer: HttpDecision, reply: FastifyReply): boolean {
  reply.headers(answer.headers)
  if (!answer.allowed) {
    reply.code(answer.status).send(Buffer.from(answer.body))
    return true
  }
  const { decision } = answer
  if (answer.holdsSlots) reply.raw.once('close', () => void decision?.release())
  return false
}
