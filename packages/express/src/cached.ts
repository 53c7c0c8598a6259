import {
  compileRoutePolicy,
  isSelectedParameter,
  type QuerySelection,
  type RouteCacheOptions,
  type RoutePolicy,
  type RouteSession,
} from '@plinth/cache/http'
import type { Request, RequestHandler, Response } from 'express'
import { applyFields, ResponseCapture } from './captured-response.js'
import { contextOf } from './plinth-context.js'
import { replayRequest } from './replay-request.js'
import { cacheFacts, responseFields } from './request-facts.js'

const captured = new WeakSet<Request>()

/** Whether a request has come past `cached` on its way to the handler. */
export function isCaptured(request: Request): boolean {
  return captured.has(request)
}

/**
 * Answers a route from the cache, and fills it from the handler's answers.
 *
 * Stands after authentication and after `limited`, directly before the handler: `app.get('/posts/:id', limited('api'), cached({...}), handler)`.
 * It takes GET and HEAD; other methods pass.
 *
 * @throws ConfigError, MisconfiguredError or CacheKeyError at once for options that cannot be used.
 */
export function cached(options: RouteCacheOptions = {}): RequestHandler {
  const policy = compileRoutePolicy(options)
  return (request, response, next) => {
    open(policy, request, response).then((answered) => {
      if (!answered) next()
    }, next)
  }
}

async function open(policy: RoutePolicy, request: Request, response: Response): Promise<boolean> {
  const { infra, routes, identify } = bound(request)
  if (!infra.cache.enabled) return false
  const prior = responseFields(response)
  const facts = cacheFacts(request, identify(request))
  const opening = await routes.open(policy, { facts, prior, replay: () => replayRequest(request) })
  if (opening.kind === 'answer') {
    response.statusCode = opening.response.status
    applyFields(response, opening.response.fields)
    const { body } = opening.response
    response.end(request.method === 'HEAD' || body.length === 0 ? undefined : body)
    return true
  }
  const { session } = opening
  captured.add(request)
  new ResponseCapture(request, response, session, prior)
  changeHeaders(request, session.requestFields)
  if (session.query !== 'all') hideParameters(request, session.query)
  return false
}

function bound(request: Request) {
  const context = contextOf(request, 'cached')
  return { infra: context.infra, routes: context.routes, identify: context.identify.bind(context) }
}

function changeHeaders({ headers }: Request, changes: RouteSession['requestFields']): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name]
    else headers[name] = value
  }
}

/** The handler sees only what tells answers apart. Express 5 computes `req.query` anew each time, so the value is put before it. */
function hideParameters(request: Request, selection: QuerySelection): void {
  const visible = Object.entries(request.query).filter(([name]) => isSelectedParameter(name, selection))
  Object.defineProperty(request, 'query', { value: Object.fromEntries(visible), configurable: true, writable: true })
}
