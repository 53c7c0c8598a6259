import type { Cost } from '@plinth/rate-limit'
import type { RequestLimit } from '@plinth/rate-limit/http'
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
  readonly policies: readonly string[]
  /** What a request is charged to. */
  readonly of: (request: FastifyRequest) => RequestLimit
}

/** Reads the limit of a route. What is the same for every request is made once. */
export function compileRouteLimit(options: RouteLimitOptions): RouteLimit {
  const details = typeof options === 'object' && 'policy' in options ? options : { policy: options }
  const { policy, cost = 1, subject } = details
  const policies = typeof policy === 'string' ? [policy] : policy
  if (typeof cost !== 'function' && subject === undefined) {
    const always = { policy, cost }
    return { policies, of: () => always }
  }
  const costOf = typeof cost === 'function' ? cost : () => cost
  return { policies, of: (request) => ({ policy, cost: costOf(request), subject: subject?.(request) }) }
}
