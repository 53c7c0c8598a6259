import { compileInvalidation, type InvalidationOptions, type InvalidationPlan, isUnsafe } from '@plinth/cache/http'
import type { Request, RequestHandler, Response } from 'express'
import { contextOf, type PlinthContext } from './plinth-context.js'
import { cacheFacts } from './request-facts.js'

const plans = new WeakMap<Request, InvalidationPlan>()

/**
 * Invalidates what a route changes, once its answer is a success and before the client gets it.
 *
 * The answers under the request's own path are invalidated after every successful unsafe request, also without this.
 *
 * @throws MisconfiguredError or CacheKeyError at once for templates that cannot be used.
 */
export function invalidates(options: InvalidationOptions): RequestHandler {
  const plan = compileInvalidation(options)
  return (request, _response, next) => {
    contextOf(request, 'invalidates')
    plans.set(request, plan)
    next()
  }
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
    context.invalidator.afterRequest(plans.get(request), facts, finished).then(
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
