import { isRefreshing, type Principal } from '@plinth/cache/http'
import { MisconfiguredError } from '@plinth/core'
import type { Cost } from '@plinth/rate-limit'
import type { HttpDecision, RequestLimit } from '@plinth/rate-limit/http'
import type { Request, RequestHandler, Response } from 'express'
import { isCaptured } from './cached.js'
import { contextOf, type PlinthContext } from './plinth-context.js'
import { proceed } from './proceed.js'
import { limitFacts } from './request-facts.js'

/** Details of {@link limited}. */
export interface LimitedOptions {
  /** What a request costs, or what tells it from the request. Default 1. */
  readonly cost?: Cost | ((request: Request) => Cost)
  /** Whose budget, in place of the caller's: an account name at a login, a tenant. */
  readonly subject?: (request: Request) => string | undefined
}

/**
 * Charges a route to a policy, or to several (all or nothing); without one, to what the limiter's route rules say.
 *
 * Stands after authentication, so that the caller and his tier are known, and before `cached`: a cached answer counts too. A
 * request that is not admitted is answered with 429 or 503 and a problem document (RFC 9457).
 */
export function limited(policy?: string | readonly string[], options: LimitedOptions = {}): RequestHandler {
  const { cost = 1, subject } = options
  const handler: RequestHandler = (request, response, next) => {
    const context = contextOf(request, 'limited')
    if (isCaptured(request)) {
      next(
        new MisconfiguredError(
          `limited() must stand before cached() on ${request.originalUrl.split('?')[0]}: cached answers count too.`,
        ),
      )
      return
    }
    const limit = { policy, cost: typeof cost === 'function' ? cost(request) : cost, subject: subject?.(request) }
    proceed(charge(context, limit, context.identify(request), request, response), next)
  }
  chargedPolicies.set(handler, policy === undefined ? [] : typeof policy === 'string' ? [policy] : policy)
  return handler
}

const chargedPolicies = new WeakMap<object, readonly string[]>()

/** The policies that a middleware charges which {@link limited} made. */
export function policiesOf(handler: object): readonly string[] {
  return chargedPolicies.get(handler) ?? []
}

/** Charges a request; gives `true` when it was refused and answered. */
export function charge(
  context: PlinthContext,
  limit: RequestLimit,
  principal: Principal | undefined,
  request: Request,
  response: Response,
): boolean | Promise<boolean> {
  if (isRefreshing()) return false
  const answer = context.limiter.limit(limitFacts(request, principal), limit)
  return answer instanceof Promise ? answer.then((later) => isRefused(later, response)) : isRefused(answer, response)
}

function isRefused(answer: HttpDecision, response: Response): boolean {
  const { headers } = answer
  for (const name in headers) response.setHeader(name, headers[name] ?? '')
  if (!answer.allowed) {
    response.statusCode = answer.status
    response.end(answer.body)
    return true
  }
  const { decision } = answer
  if (answer.holdsSlots) response.once('close', () => void decision?.release())
  return false
}
