import { compileInvalidation, type InvalidationOptions, type InvalidationPlan, isUnsafe } from '@plinth/cache/http'
import type { Request, RequestHandler, Response } from 'express'
import { contextOf, type PlinthContext } from './plinth-context.js'
import { putAround } from './puts.js'
import { cacheFacts } from './request-facts.js'

const plans = new WeakMap<Request, InvalidationPlan>()

/**
 * Invalidates what a route changes, once its answer is a success and before the client gets it.
 *
 * The answers under the request's own path are invalidated after every successful unsafe request, also without this.
 *
 * Patterns that the cache's backend cannot match are refused by `serve`, or at the latest before the first handler runs.
 *
 * @throws MisconfiguredError or CacheKeyError at once for templates that cannot be used.
 */
export function invalidates(options: InvalidationOptions): RequestHandler {
  const plan = compileInvalidation(options)
  const handler: RequestHandler = (request, _response, next) => {
    contextOf(request, 'invalidates').invalidator.prepare(plan)
    plans.set(request, plan)
    next()
  }
  declaredPlans.set(handler, plan)
  return handler
}

const declaredPlans = new WeakMap<object, InvalidationPlan>()

/** The plan of a middleware that {@link invalidates} made. */
export function planOf(handler: object): InvalidationPlan | undefined {
  return declaredPlans.get(handler)
}

/** Holds the end of an answer to an unsafe request back until what it changed is invalidated. */
export function invalidateBeforeEnd(
  context: PlinthContext,
  request: Request,
  response: Response,
  next: (error: unknown) => void,
): void {
  if (!isUnsafe(request.method) || !context.infra.cache.enabled) return
  const inner = response.end
  const end = inner.bind(response) as (...args: unknown[]) => Response
  let ending = false
  response.end = ((...args: unknown[]) => {
    if (ending) return response
    ending = true
    response.end = inner
    const { statusCode } = response
    if (statusCode >= 400) return end(...args)
    const finished = {
      status: statusCode,
      location: text(response.getHeader('location')),
      contentLocation: text(response.getHeader('content-location')),
    }
    const facts = cacheFacts(request, context.identify(request))
    const invalidate = () => context.invalidator.afterRequest(plans.get(request), facts, finished)
    putAround(invalidate, request, response).then(
      () => end(...args),
      // What was changed is changed; but an answer that says all is well would hide that old answers are still served.
      (error: unknown) => (response.headersSent ? response.destroy() : next(error)),
    )
    return response
  }) as Response['end']
}

function text(value: number | string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
