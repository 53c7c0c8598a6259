import { clientCacheControl, isRefreshing, isUnsafe, RouteCache, RouteInvalidator } from '@plinth/cache/http'
import { mayBeInfraPath, sendWebResponse, webRequest } from '@plinth/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CacheHooks } from './cache-hooks.js'
import { LimitHooks } from './limit-hooks.js'
import { type CompleteHost, completeHost } from './plinth-host.js'
import type { PlinthPluginOptions } from './plinth-options.js'
import { cacheFacts, replyField } from './request-facts.js'
import { compileRoute, type PlinthRouteConfig, type RoutePlan } from './route-config.js'
import { installRouteHooks, type RouteHooks } from './route-hooks.js'

type Next = (error?: Error) => void

/** The way of a request through Plinth: limits first, then the cache, then the handler, then the cache and invalidation. */
export class RequestPath {
  readonly #options: PlinthPluginOptions
  readonly #cache: CacheHooks
  readonly #invalidator: RouteInvalidator
  readonly #limits: LimitHooks
  readonly #host: CompleteHost
  readonly #plans = new WeakMap<object, RoutePlan>()
  readonly #installed = new WeakSet<object>()
  readonly #hooks: RouteHooks

  constructor(options: PlinthPluginOptions) {
    const host = completeHost(options.infra)
    this.#options = options
    this.#host = host
    this.#cache = new CacheHooks(
      new RouteCache({ cache: host.cache, name: 'plinth', clientMaxAgeMs: host.clientMaxAgeMs }),
    )
    this.#invalidator = new RouteInvalidator(host.cache)
    this.#limits = new LimitHooks(host.rateLimiter, options.limits ?? {})
    this.#hooks = {
      lastBeforeHandler: (request, reply, next) => this.#beforeHandler(request, reply, next),
      firstOnSend: (request, reply, payload, next) => this.#takePayload(request, reply, payload, next),
      lastOnSend: (request, reply, payload, next) => this.#beforeSending(request, reply, payload, next),
    }
  }

  /** Reads the options of a route that is being declared, so that a mistake shows at the start. */
  declare(route: string, config: PlinthRouteConfig | undefined): void {
    if (config !== undefined) this.#note(compileRoute(route, config))
  }

  /** Takes a request in: answers what belongs to the infra, charges the address, and sees to it that the route's hooks are in place. */
  arrive(request: FastifyRequest, reply: FastifyReply, next: Next): void {
    const { infra, addressLimit, serveInfra = true } = this.#options
    if (infra.phase === 'draining') reply.header('connection', 'close')
    if (!request.is404) installRouteHooks(request, this.#hooks, this.#installed)
    const isInfra = serveInfra && takesAnything(request) && mayBeInfraPath(pathOf(request))
    const charges = addressLimit !== undefined || request.is404
    if (!(isInfra || charges) || isRefreshing()) next()
    else settle(this.#atTheDoor(request, reply, isInfra), next)
  }

  async #atTheDoor(request: FastifyRequest, reply: FastifyReply, isInfra: boolean): Promise<boolean> {
    if (isInfra && (await this.#answerForInfra(request, reply))) return true
    const { addressLimit } = this.#options
    const limit =
      addressLimit === undefined ? undefined : { policy: addressLimit, cost: () => 1, subject: () => undefined }
    return this.#limits.charge(undefined, limit, undefined, request, reply)
  }

  async #answerForInfra(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const asked = webRequest(request.raw, `${request.protocol}://${request.host}`)
    const response = await this.#options.infra.fetch?.(asked)
    if (response === undefined) return false
    reply.hijack()
    await sendWebResponse(response, reply.raw)
    return true
  }

  #beforeHandler(request: FastifyRequest, reply: FastifyReply, next: Next): void {
    const plan = this.#planOf(request)
    const charges = this.#charges(request, plan)
    const caches = plan.cache !== undefined && this.#host.cache.enabled
    if (!charges && !caches) next()
    else settle(this.#chargeAndOpen(request, reply, plan, charges), next)
  }

  async #chargeAndOpen(
    request: FastifyRequest,
    reply: FastifyReply,
    plan: RoutePlan,
    charges: boolean,
  ): Promise<boolean> {
    const principal = this.#options.identify?.(request)
    if (charges && (await this.#limits.charge(plan.route, plan.limit || undefined, principal, request, reply)))
      return true
    if (plan.cache === undefined || !this.#host.cache.enabled) return false
    return this.#cache.open(plan.cache, plan.route ?? '', principal, request, reply)
  }

  #charges(request: FastifyRequest, { route, limit }: RoutePlan): boolean {
    const { rateLimiter } = this.#host
    if (limit === false || !rateLimiter.enabled || isRefreshing()) return false
    return limit !== undefined || rateLimiter.policiesFor(request.method, route ?? '/*') !== undefined
  }

  #takePayload(
    request: FastifyRequest,
    reply: FastifyReply,
    payload: unknown,
    next: (error: Error | null, payload?: unknown) => void,
  ): void {
    const { client } = this.#planOf(request)
    if (
      client !== undefined &&
      this.#host.clientMaxAgeMs !== undefined &&
      replyField(reply, 'cache-control') === undefined
    ) {
      const ownsCookie = reply.getHeader('set-cookie') !== undefined
      const facts = {
        status: reply.statusCode,
        ownsCookie,
        shared: false,
        ageMs: 0,
        freshForMs: Number.POSITIVE_INFINITY,
      }
      reply.header(
        'cache-control',
        clientCacheControl(client, { ...facts, defaultMaxAgeMs: this.#host.clientMaxAgeMs }),
      )
    }
    next(null, this.#cache.take(request, reply, payload))
  }

  #beforeSending(
    request: FastifyRequest,
    reply: FastifyReply,
    payload: unknown,
    next: (error: Error | null, payload?: unknown) => void,
  ): void {
    const invalidates = isUnsafe(request.method) && reply.statusCode < 400 && this.#host.cache.enabled
    const work = invalidates ? this.#invalidate(request, reply) : this.#cache.store(request, reply)
    if (work === undefined) next(null, payload)
    else work.then(() => next(null, payload), next)
  }

  async #invalidate(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { route = '', invalidates } = this.#planOf(request)
    const facts = cacheFacts(request, route, this.#options.identify?.(request))
    await this.#invalidator.afterRequest(invalidates, facts, {
      status: reply.statusCode,
      location: replyField(reply, 'location'),
      contentLocation: replyField(reply, 'content-location'),
    })
  }

  #planOf(request: FastifyRequest): RoutePlan {
    const { config } = request.routeOptions
    let plan = this.#plans.get(config)
    if (plan === undefined) {
      plan = this.#note(compileRoute(config.url, config.plinth ?? {}))
      this.#plans.set(config, plan)
    }
    return plan
  }

  #note(plan: RoutePlan): RoutePlan {
    const policies = plan.limit ? plan.limit.policy : []
    for (const policy of typeof policies === 'string' ? [policies] : policies) this.#host.rateLimiter.noteRoute(policy)
    return plan
  }
}

/** Whether no route of the application's own stands for this very path: an explicit `/livez` wins, a catch-all does not. */
function takesAnything(request: FastifyRequest): boolean {
  return request.is404 || request.routeOptions.url?.endsWith('*') === true
}

function pathOf({ raw }: FastifyRequest): string {
  return (raw.url ?? '/').split('?', 1)[0] ?? '/'
}

/** Goes on unless the request has been answered. */
function settle(answered: Promise<boolean>, next: Next): void {
  answered.then((is) => {
    if (!is) next()
  }, next)
}
