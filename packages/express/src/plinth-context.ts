import { type Principal, RouteCache, RouteInvalidator, type UnkeyedRead } from '@plinth/cache/http'
import { MisconfiguredError } from '@plinth/core'
import { type HttpLimitOptions, RequestLimiter } from '@plinth/rate-limit/http'
import type { Request } from 'express'
import { completePlinthHost, type PlinthHost } from './plinth-host.js'

/** Options of `plinth`. */
export interface PlinthOptions {
  /**
   * Who is asking, as the application's authentication found out; `undefined` for an anonymous request. Asked when a route's
   * middleware comes to it, so after whatever stands before. Scopes of cached routes and tiers of limits go by it.
   */
  readonly identify?: (request: Request) => Principal | undefined
  /** A policy that every request is charged to by its address, before anything else is done: also what matches no route. */
  readonly addressLimit?: string
  /** Which headers tell clients about their limits, and how addresses are counted. */
  readonly limits?: Omit<HttpLimitOptions, 'trustedHops'>
  /**
   * Told of every request header that the handler of a cached route read although answers are not told apart by it; such an answer
   * is not stored. For development and tests: without it nobody looks, which costs nothing.
   */
  readonly onUnkeyedRead?: ((read: UnkeyedRead) => void) | undefined
}

/** What the middlewares of one app share. */
export class PlinthContext {
  readonly infra: ReturnType<typeof completePlinthHost>
  readonly options: PlinthOptions
  readonly routes: RouteCache
  readonly invalidator: RouteInvalidator
  readonly limiter: RequestLimiter

  constructor(host: PlinthHost, options: PlinthOptions) {
    this.infra = completePlinthHost(host)
    this.options = options
    if (options.addressLimit !== undefined) this.infra.rateLimiter.noteRoute(options.addressLimit)
    const { cache, rateLimiter, clientMaxAgeMs } = this.infra
    this.routes = new RouteCache({ cache, name: 'plinth', clientMaxAgeMs, onUnkeyedRead: options.onUnkeyedRead })
    this.invalidator = new RouteInvalidator(cache)
    this.limiter = new RequestLimiter(rateLimiter, options.limits)
  }

  identify(request: Request): Principal | undefined {
    return this.options.identify?.(request)
  }
}

/** Where a request keeps its context: a property of its own is found and cleaned up at less cost than an entry in a weak map. */
const CONTEXT: unique symbol = Symbol('plinth.context')

interface EnteredRequest {
  [CONTEXT]?: PlinthContext
}

/** Makes a context known to the middlewares that a request comes to later. */
export function enterContext(request: Request & EnteredRequest, context: PlinthContext): void {
  request[CONTEXT] = context
}

/** Gives the context that a request went through. @throws MisconfiguredError when `plinth` is not mounted before `middleware`. */
export function contextOf(request: Request & EnteredRequest, middleware: string): PlinthContext {
  const context = request[CONTEXT]
  if (context !== undefined) return context
  throw new MisconfiguredError(`${middleware}() finds no infra. Mount app.use(plinth(infra)) before the routes.`)
}
