import { MisconfiguredError } from '@plinth/core'
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'

/** A hook that runs before the handler: calls `done` when the request may go on, and does not when it has answered. */
export type BeforeHandler = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/** A hook on the payload: calls `done` with the payload to send. */
export type OnPayload = (
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
) => void

/** Hooks whose place among all others of a route matters. */
export interface RouteHooks {
  /** After every other hook, those of the route itself included: only then is it known who asks, and whether he may. */
  readonly lastBeforeHandler: BeforeHandler
  /** Before every other hook: the payload as the handler made it, not yet compressed. */
  readonly firstOnSend?: OnPayload
  /** After every other hook: the head as it will be sent. */
  readonly lastOnSend?: OnPayload
}

/** What Fastify keeps of one route, as far as it is needed here. */
export interface RouteContext {
  /** What the route says of itself, with its pattern as `url` and its methods; without them where no route matched. */
  readonly config: FastifyContextConfig & { readonly url?: string; readonly method?: string | readonly string[] }
  preHandler: BeforeHandler[] | null
  onSend: OnPayload[] | null
}

/**
 * Puts hooks at the very ends of a route's own.
 *
 * Fastify offers no public way to run after a route's own hooks for routes that were declared before a plugin was loaded, and that is
 * the usual case: `app.register(plugin); app.get(...)`. Its hook runner walks the route's list while the request goes on,
 * so that a list completed in `onRequest` counts for the request itself. See docs/decisions/fastify-hooks-are-completed-at-the-first-request.md.
 */
export function installRouteHooks(context: RouteContext, hooks: RouteHooks): void {
  const { lastBeforeHandler, firstOnSend, lastOnSend } = hooks
  context.preHandler = [...(context.preHandler ?? []), lastBeforeHandler]
  if (firstOnSend !== undefined) context.onSend = [firstOnSend, ...(context.onSend ?? [])]
  if (lastOnSend !== undefined) context.onSend = [...(context.onSend ?? []), lastOnSend]
}

let contextSymbol: symbol = Symbol('not yet seen')

/**
 * Gives what Fastify keeps of the route that a request matched.
 *
 * @throws MisconfiguredError when this Fastify keeps its routes elsewhere: to cache before authentication is not an alternative.
 */
export function contextOf(request: FastifyRequest): RouteContext {
  const context = (request as unknown as { readonly [key: symbol]: unknown })[contextSymbol] ?? findContext(request)
  return context as RouteContext
}

function findContext(request: FastifyRequest): RouteContext {
  const found = Object.getOwnPropertySymbols(request).find((symbol) => symbol.description === 'fastify.context')
  const context: unknown = found === undefined ? undefined : Reflect.get(request, found)
  if (found === undefined || !isRouteContext(context)) {
    throw new MisconfiguredError('This version of Fastify is not supported by @plinth/fastify. Use Fastify 5.')
  }
  contextSymbol = found
  return context
}

function isRouteContext(context: unknown): context is RouteContext {
  return typeof context === 'object' && context !== null && 'preHandler' in context && 'onSend' in context
}
