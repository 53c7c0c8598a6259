import type { Cost } from '@plinth/rate-limit'
import type { FastifyRequest } from 'fastify'

/** What a route is charged to: the name of a policy, several of them (all or nothing), or with details. */
export type RouteLimitOptions =
  | string
  | readonly string[]
  | {
      readonly policy: string | readonly string[]
      /** What a request costs, or what tells it from the request. Default 1. */
      readonly cost?: Cost | ((request: FastifyRequest) => Cost)
      /** Whose budget, in place of the caller's: an account name at a login, a tenant. Asked once the body is there. */
      readonly subject?: (request: FastifyRequest) => string | undefined
    }

/** {@link RouteLimitOptions} in one shape. */
export interface RouteLimit {
  readonly policy: string | readonly string[]
  readonly cost: (request: FastifyRequest) => Cost
  readonly subject: (request: FastifyRequest) => string | undefined
}

/** Reads the limit of a route. */
export function compileRouteLimit(options: RouteLimitOptions): RouteLimit {
  const details = typeof options === 'object' && 'policy' in options ? options : { policy: options }
  const { policy, cost = 1, subject } = details
  return {
    policy,
    cost: typeof cost === 'function' ? cost : () => cost,
    subject: subject ?? (() => undefined),
  }
}
