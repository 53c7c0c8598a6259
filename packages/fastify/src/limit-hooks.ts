import type { Principal } from '@plinth/cache/http'
import type { RateLimiter } from '@plinth/rate-limit'
import {
  type HttpDecision,
  type HttpLimitOptions,
  RATE_LIMIT_HEADERS,
  type RequestLimit,
  RequestLimiter,
} from '@plinth/rate-limit/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { limitFacts } from './request-facts.js'

/** Charges requests to the limiter, and refuses those it does not admit. */
export class LimitHooks {
  readonly #limiter: RequestLimiter

  constructor(limiter: RateLimiter, options: HttpLimitOptions) {
    this.#limiter = new RequestLimiter(limiter, options)
  }

  /** Charges a request. Gives `true` when it was refused and answered. */
  charge(
    route: string | undefined,
    limit: RequestLimit,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): boolean | Promise<boolean> {
    const answer = this.#limiter.limit(limitFacts(request, route, principal), limit)
    return answer instanceof Promise ? answer.then((later) => isRefused(later, reply)) : isRefused(answer, reply)
  }
}

function isRefused(answer: HttpDecision, reply: FastifyReply): boolean {
  const { headers } = answer
  for (const name in headers) reply.header(lowerCase(name), headers[name])
  if (!answer.allowed) {
    reply.code(answer.status).send(Buffer.from(answer.body))
    return true
  }
  const { decision } = answer
  if (answer.holdsSlots) reply.raw.once('close', () => void decision?.release())
  return false
}

/** Fastify keeps names in lower case. A name made so for each request would have to be looked up among all texts each time. */
function lowerCase(name: string): string {
  return LOWER_CASE[name] ?? name
}

const LOWER_CASE: Readonly<Record<string, string>> = Object.fromEntries(
  RATE_LIMIT_HEADERS.map((name) => [name, name.toLowerCase()]),
)
