import {
  type ClientCachePolicy,
  clientCacheControl,
  isRefreshing,
  isUnsafe,
  type Principal,
  RouteCache,
  RouteInvalidator,
  type RoutePolicy,
} from '@plinth/cache/http'
import { mayBeInfraPath, sendWebResponse, webRequest } from '@plinth/core'
import type { RequestLimit } from '@plinth/rate-limit/http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CacheHooks } from './cache-hooks.js'
import { LimitHooks } from './limit-hooks.js'
import { completePlinthHost } from './plinth-host.js'
import type { PlinthPluginOptions } from './plinth-options.js'
import { PutHooks } from './put-hooks.js'
import { cacheFacts, replyField } from './request-facts.js'
import { compileRoute, type PlinthRouteConfig, type RoutePlan } from './route-config.js'
import { contextOf, installRouteHooks, type RouteContext, type RouteHooks } from './route-hooks.js'

type Next = (error?: Error) => void

/** What is decided once for a route, at its first request. */
interface Lane {
  readonly plan: RoutePlan
  readonly is404: boolean
  /** No route of the application's own stands for this very path: an explicit `/livez` wins, a catch-all does not. */
  readonly takesAnything: boolean
}

/** The way of a request through Plinth: limits first, then the cache, then the handler, then the cache and invalidation. */
export class RequestPath {
  readonly #options: PlinthPluginOptions
  readonly #cache: CacheHooks
  readonly #puts: PutHooks
  readonly #invalidator: RouteInvalidator
  readonly #limits: LimitHooks
  readonly #addressLimit: RequestLimit
  readonly #host: ReturnType<typeof completePlinthHost>
  readonly #lanes = new WeakMap<RouteContext, Lane>()

  constructor(options: PlinthPluginOptions) {
    const host = completePlinthHost(options.infra)
    this.#options = options
    this.#host = host
    this.#addressLimit = { policy: options.addressLimit }
    if (options.addressLimit !== undefined) host.rateLimiter.noteRoute(options.addressLimit)
    const { cache, clientMaxAgeMs } = host
    const { onUnkeyedRead } = options
    const routes = new RouteCache({ cache, name: 'plinth', clientMaxAgeMs, onUnkeyedRead })
    this.#cache = new CacheHooks(routes)
    this.#puts = new PutHooks(routes)
    this.#invalidator = new RouteInvalidator(host.cache)
    this.#limits = new LimitHooks(host.rateLimiter, options.limits ?? {})
  }

  /** Reads the options of a route that is being declared, so that a mistake shows at the start. */
  declare(route: string, config: PlinthRouteConfig | undefined): void {
    if (config !== undefined) this.#note(compileRoute(route, config))
  }

  /** Takes a request in: answers what belongs to the infra, charges the address, and sees to it that the route's hooks are in place. */
  arrive(request: FastifyRequest, reply: FastifyReply, next: Next): void {
    const { infra, addressLimit, serveInfra = true } = this.#options
    let lane: Lane
    try {
      const context = contextOf(request)
      lane = this.#lanes.get(context) ?? this.#enter(context)
    } catch (error) {
      next(error as Error)
      return
    }
    const { is404, takesAnything } = lane
    if (infra.phase === 'draining') reply.header('connection', 'close')
    const isInfra = takesAnything && serveInfra && mayBeInfraPath(pathOf(request))
    const charges = addressLimit !== undefined || is404
    if (!(isInfra || charges) || isRefreshing()) next()
    else settle(this.#atTheDoor(request, reply, isInfra), next)
  }

  #enter(context: RouteContext): Lane {
    const { config } = context
    const { url } = config
    const plan = this.#note(compileRoute(url, config.plinth ?? {}))
    const lane = { plan, is404: url === undefined, takesAnything: url === undefined || url.endsWith('*') }
    this.#lanes.set(context, lane)
    if (!lane.is404) installRouteHooks(context, this.#hooks(plan, mayChange(config.method)))
    return lane
  }

  #hooks(plan: RoutePlan, isUnsafeRoute: boolean): RouteHooks {
    const lastBeforeHandler: RouteHooks['lastBeforeHandler'] = (request, reply, next) =>
      this.#beforeHandler(plan, request, reply, next)
    if (plan.cache === undefined && plan.client === undefined && !isUnsafeRoute) return { lastBeforeHandler }
    return {
      lastBeforeHandler,
      firstOnSend: (request, reply, payload, next) => {
        if (plan.client !== undefined) this.#tellClients(plan.client, reply)
        if (plan.puts !== undefined) this.#puts.take(request, payload)
        next(null, plan.cache === undefined ? payload : this.#cache.take(request, reply, payload))
      },
      lastOnSend: (request, reply, payload, next) => {
        const work = this.#beforeSending(plan, request, reply)
        if (work === undefined) next(null, payload)
        else work.then(() => next(null, payload), next)
      },
    }
  }

  async #atTheDoor(request: FastifyRequest, reply: FastifyReply, isInfra: boolean): Promise<boolean> {
    if (isInfra && (await this.#answerForInfra(request, reply))) return true
    return this.#limits.charge(undefined, this.#addressLimit, undefined, request, reply)
  }

  async #answerForInfra(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const asked = webRequest(request.raw, `${request.protocol}://${request.host}`)
    const response = await this.#options.infra.fetch?.(asked)
    if (response === undefined) return false
    reply.hijack()
    await sendWebResponse(response, reply.raw)
    return true
  }

  #beforeHandler(plan: RoutePlan, request: FastifyRequest, reply: FastifyReply, next: Next): void {
    const charges = this.#charges(request, plan)
    const { enabled } = this.#host.cache
    const cached = enabled ? plan.cache : undefined
    if (!charges && cached === undefined && !(enabled && plan.puts !== undefined)) {
      next()
      return
    }
    let answered: boolean | Promise<boolean>
    try {
      answered = this.#answers(plan, cached, charges, request, reply)
    } catch (error) {
      next(error as Error)
      return
    }
    settle(answered, next)
  }

  /** Charges the caller, then asks the cache. Gives `true` when the request has been answered. */
  #answers(
    plan: RoutePlan,
    cached: RoutePolicy | undefined,
    charges: boolean,
    request: FastifyRequest,
    reply: FastifyReply,
  ): boolean | Promise<boolean> {
    const principal = this.#options.identify?.(request)
    if (!charges) return this.#open(plan, cached, principal, request, reply)
    const limit = plan.limit ? plan.limit.of(request) : BY_RULES
    const refused = this.#limits.charge(plan.route, limit, principal, request, reply)
    return refused instanceof Promise
      ? refused.then((is) => is || this.#open(plan, cached, principal, request, reply))
      : refused || this.#open(plan, cached, principal, request, reply)
  }

  #open(
    { route = '', puts }: RoutePlan,
    cached: RoutePolicy | undefined,
    principal: Principal | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): boolean | Promise<boolean> {
    if (puts !== undefined && this.#host.cache.enabled && isUnsafe(request.method)) {
      return this.#puts.open(puts, route, principal, request, reply).then(() => false)
    }
    return cached !== undefined && this.#cache.open(cached, route, principal, request, reply)
  }

  #charges(request: FastifyRequest, { route, limit }: RoutePlan): boolean {
    const { rateLimiter } = this.#host
    if (limit === false || !rateLimiter.enabled || isRefreshing()) return false
    return limit !== undefined || rateLimiter.policiesFor(request.method, route ?? '/*') !== undefined
  }

  /** `Cache-Control` for an answer whose handler set none. */
  #tellClients(client: ClientCachePolicy, reply: FastifyReply): void {
    const { clientMaxAgeMs: defaultMaxAgeMs } = this.#host
    if (defaultMaxAgeMs === undefined || replyField(reply, 'cache-control') !== undefined) return
    const facts = {
      status: reply.statusCode,
      ownsCookie: reply.getHeader('set-cookie') !== undefined,
      shared: false,
      ageMs: 0,
      freshForMs: Number.POSITIVE_INFINITY,
      defaultMaxAgeMs,
    }
    reply.header('cache-control', clientCacheControl(client, facts))
  }

  #beforeSending(plan: RoutePlan, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    if (isUnsafe(request.method)) {
      return reply.statusCode < 400 && this.#host.cache.enabled ? this.#invalidate(plan, request, reply) : undefined
    }
    return plan.cache === undefined ? undefined : this.#cache.store(request, reply)
  }

  async #invalidate(
    { route = '', invalidates }: RoutePlan,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const facts = cacheFacts(request, route, this.#options.identify?.(request))
    const finished = {
      status: reply.statusCode,
      location: replyField(reply, 'location'),
      contentLocation: replyField(reply, 'content-location'),
    }
    await this.#puts.around(() => this.#invalidator.afterRequest(invalidates, facts, finished), request, reply)
  }

  #note(plan: RoutePlan): RoutePlan {
    for (const policy of plan.limit ? plan.limit.policies : []) this.#host.rateLimiter.noteRoute(policy)
    if (plan.invalidates !== undefined) this.#invalidator.prepare(plan.invalidates)
    return plan
  }
}

/** What the limiter's route rules say. */
const BY_RULES: RequestLimit = {}

/** Whether a request to a route may change something. */
function mayChange(method: string | readonly string[] = []): boolean {
  return typeof method === 'string' ? isUnsafe(method) : method.some(isUnsafe)
}

function pathOf({ raw }: FastifyRequest): string {
  return (raw.url ?? '/').split('?', 1)[0] ?? '/'
}

/** Goes on unless the request has been answered. */
function settle(answered: boolean | Promise<boolean>, next: Next): void {
  if (typeof answered === 'boolean') {
    if (!answered) next()
    return
  }
  answered.then((is) => {
    if (!is) next()
  }, next)
}
