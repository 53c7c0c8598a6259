import { isRefreshing, type Principal } from '@plinth/cache/http'
import { MisconfiguredError } from '@plinth/core'
import type { Cost } from '@plinth/rate-limit'
import { limitRequest, type RequestLimit } from '@plinth/rate-limit/http'
import type { Request, RequestHandler, Response } from 'express'
import { isCaptured } from './cached.js'
import { contextOf, type PlinthContext } from './plinth-context.js'
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
    charge(context, limit, context.identify(request), request, response).then((refused) => {
      if (!refused) next()
    }, next)
  }
  chargedPolicies.set(handler, policy === undefined ? [] : typeof policy === 'string' ? [policy] : policy)
  return handler
}

const chargedPolicies = new WeakMap<object, readonly string[]>()

/** The policies that the {@link limited} middlewares of an app charge, wherever routers hold them; not those of apps mounted in it. */
export function policiesOf(router: { readonly stack: readonly RouterLayer[] }): readonly string[] {
  return router.stack.flatMap(({ handle, route }) => {
    const inner = route ?? handle
    return [
      ...(chargedPolicies.get(handle) ?? []),
      ...(inner.stack === undefined ? [] : policiesOf({ stack: inner.stack })),
    ]
  })
}

/** A layer of a router, as Express keeps them. */
export interface RouterLayer {
  readonly handle: { readonly stack?: readonly RouterLayer[] }
  readonly route?: { readonly stack?: readonly RouterLayer[] } | undefined
}

/** Charges a request; resolves to `true` when it was refused and answered. */
export async function charge(
  context: PlinthContext,
  limit: RequestLimit,
  principal: Principal | undefined,
  request: Request,
  response: Response,
): Promise<boolean> {
  if (isRefreshing()) return false
  const facts = limitFacts(request, principal)
  const answer = await limitRequest(context.infra.rateLimiter, facts, limit, context.options.limits)
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  if (!answer.allowed) {
    response.statusCode = answer.status
    response.end(answer.body)
    return true
  }
  const { decision } = answer
  if (decision !== undefined) response.once('close', () => void decision.release())
  return false
}
