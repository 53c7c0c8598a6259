import {
  compileRoutePolicy,
  isSelectedParameter,
  type Opening,
  type OutgoingResponse,
  type PriorFields,
  type QuerySelection,
  type RequestFacts,
  type RouteCacheOptions,
  type RoutePolicy,
  type RouteRequest,
  type RouteSession,
} from '@plinth/cache/http'
import type { Request, RequestHandler, Response } from 'express'
import { applyFields, ResponseCapture } from './captured-response.js'
import { contextOf, type PlinthContext } from './plinth-context.js'
import { proceed } from './proceed.js'
import { replayRequest } from './replay-request.js'
import { cacheFacts, responseFields } from './request-facts.js'

/** Where a request notes that it has come past `cached`. */
const CAPTURED: unique symbol = Symbol('plinth.captured')

interface CapturedRequest {
  [CAPTURED]?: true
}

/** Whether a request has come past `cached` on its way to the handler. */
export function isCaptured(request: Request & CapturedRequest): boolean {
  return request[CAPTURED] === true
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
    proceed(open(policy, request, response), next)
  }
}

/** Gives `true` when the request has been answered. */
function open(policy: RoutePolicy, request: Request, response: Response): boolean | Promise<boolean> {
  const context = contextOf(request, 'cached')
  if (!context.infra.cache.enabled) return false
  const opening = context.routes.open(policy, new CachedRequest(context, request, response))
  return opening instanceof Promise
    ? opening.then((settled) => isAnswered(settled, request, response))
    : isAnswered(opening, request, response)
}

function isAnswered(opening: Opening, request: Request & CapturedRequest, response: Response): boolean {
  if (opening.kind === 'answer') {
    send(request, response, opening.response)
    return true
  }
  const { session } = opening
  request[CAPTURED] = true
  new ResponseCapture(request, response, session, responseFields(response))
  changeHeaders(request, session.requestFields)
  request.headers = session.watch(request.headers) as Request['headers']
  if (session.query !== 'all') hideParameters(request, session.query)
  return false
}

function send(request: Request, response: Response, { status, fields, body }: OutgoingResponse): void {
  response.statusCode = status
  applyFields(response, fields)
  response.end(request.method === 'HEAD' || body.length === 0 ? undefined : body)
}

/** A request as the cache asks about it. */
class CachedRequest implements RouteRequest {
  readonly facts: RequestFacts
  readonly prior: PriorFields
  readonly #request: Request

  constructor(context: PlinthContext, request: Request, response: Response) {
    this.facts = cacheFacts(request, context.identify(request))
    this.prior = { vary: field(response, 'vary'), 'cache-control': field(response, 'cache-control') }
    this.#request = request
  }

  replay(): Promise<void> {
    return replayRequest(this.#request)
  }
}

function field(response: Response, name: string): string | readonly string[] | undefined {
  const value = response.getHeader(name)
  return typeof value === 'number' ? String(value) : value
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
