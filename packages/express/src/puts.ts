import {
  compileRoutePolicy,
  type HeaderFields,
  isUnsafe,
  type PutSession,
  type RouteCacheOptions,
} from '@plinth/cache/http'
import type { Request, RequestHandler, Response } from 'express'
import { withoutOwnTag } from './captured-response.js'
import { readChunk, toBytes } from './chunk.js'
import { contextOf } from './plinth-context.js'
import { cacheFacts, responseFields } from './request-facts.js'

/** One request whose answer is to be put into the cache. */
interface Putting {
  readonly session: PutSession
  /** The response's fields before the handler ran. */
  readonly prior: HeaderFields
  body: Uint8Array | undefined
}

const PUTTING: unique symbol = Symbol('plinth.putting')

interface PuttingRequest {
  [PUTTING]?: Putting
}

/**
 * Puts the answer of a handler that changes a resource in the place of what `GET` for the same path gets next: with the options of
 * that route's {@link cached}. The handler always runs.
 *
 * `app.put('/posts/:id', puts(post), handler)` beside `app.get('/posts/:id', cached(post), handler)`. Only a whole answer with 200, 201
 * or 203 is put, and only if nobody else changed the resource in the meantime; else the next `GET` runs its own handler.
 *
 * @throws ConfigError, MisconfiguredError or CacheKeyError at once for options that cannot be used.
 */
export function puts(options: RouteCacheOptions): RequestHandler {
  const policy = compileRoutePolicy(options)
  return (request, response, next) => {
    const context = contextOf(request, 'puts')
    if (!context.infra.cache.enabled || !isUnsafe(request.method)) {
      next()
      return
    }
    const facts = cacheFacts(request, context.identify(request))
    const prior = responseFields(response)
    context.routes.put(policy, { facts, prior }).then((session) => {
      capture(request, response, { session, prior, body: undefined })
      next()
    }, next)
  }
}

/** Runs `invalidate`, and puts the answer into the cache afterwards if nobody else changed the resource in the meantime. */
export async function putAround(
  invalidate: () => Promise<void>,
  request: Request & PuttingRequest,
  response: Response,
): Promise<void> {
  const putting = request[PUTTING]
  if (putting?.body === undefined) {
    putting?.session.abandon()
    return invalidate()
  }
  const { session, prior, body } = putting
  const { statusCode: status } = response
  const confirmed = await session.confirm(status)
  await invalidate()
  const answer = { status, fields: responseFields(response), prior, body }
  if (confirmed) await session.store(withoutOwnTag(request, answer))
}

/** Looks at what the handler sends. What comes in pieces, or is too large, is not put. */
function capture(request: Request & PuttingRequest, response: Response, putting: Putting): void {
  const { session } = putting
  request[PUTTING] = putting
  let inPieces = false
  const write = response.write.bind(response) as (...args: unknown[]) => boolean
  const end = response.end.bind(response) as (...args: unknown[]) => Response
  response.write = ((...args: unknown[]) => {
    inPieces = true
    return write(...args)
  }) as Response['write']
  response.end = ((...args: unknown[]) => {
    const [chunk, encoding] = readChunk(args)
    const body = chunk === undefined ? new Uint8Array(0) : toBytes(chunk, encoding)
    if (!inPieces && body.length <= session.keepsBytes) putting.body ??= body
    return end(...args)
  }) as Response['end']
  response.once('close', () => session.abandon())
}
