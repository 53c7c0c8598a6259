import type { Principal, UnkeyedRead } from '@plinth/cache/http'
import type { HttpLimitOptions } from '@plinth/rate-limit/http'
import type { FastifyRequest } from 'fastify'
import type { PlinthHost } from './plinth-host.js'

/** Options of `plinthPlugin`. */
export interface PlinthPluginOptions {
  /** The whole, usually from `createInfra`. It is lent: the plugin never closes it. */
  readonly infra: PlinthHost
  /**
   * Who is asking, as the application's authentication found out. Asked after every other hook of the route; `undefined` for an
   * anonymous request. Scopes of cached routes and tiers of limits go by it.
   */
  readonly identify?: (request: FastifyRequest) => Principal | undefined
  /** A policy that every request is charged to by its address, before anything else is done: also what matches no route. */
  readonly addressLimit?: string
  /** Which headers tell clients about their limits, and how addresses are counted. */
  readonly limits?: Omit<HttpLimitOptions, 'trustedHops'>
  /**
   * Told of every request header that the handler of a cached route read although answers are not told apart by it; such an answer
   * is not stored. For development and tests: without it nobody looks, which costs nothing.
   */
  readonly onUnkeyedRead?: ((read: UnkeyedRead) => void) | undefined
  /** Whether health, webhook and mailbox paths that no route takes are answered. Default true. */
  readonly serveInfra?: boolean
}
