import { type ClientCacheOptions, clientCacheControl, compileClientCache } from '@plinth/cache/http'
import type { RequestHandler } from 'express'
import { contextOf } from './plinth-context.js'

/**
 * Tells browsers and proxies what they may do with an answer whose handler did not: by default to keep it for themselves for
 * `CLIENT_CACHE_MAX_AGE`.
 *
 * Errors and redirects that are not permanent get `no-store`; an answer that sets a cookie is never `public`.
 *
 * @throws ConfigError at once for a bad duration.
 */
export function clientCache(options: ClientCacheOptions = {}): RequestHandler {
  const policy = compileClientCache(options)
  return (request, response, next) => {
    const { clientMaxAgeMs } = contextOf(request, 'clientCache').infra
    if (clientMaxAgeMs !== undefined) {
      const inner = response.writeHead.bind(response) as (...args: unknown[]) => typeof response
      response.writeHead = ((...args: unknown[]) => {
        if (!response.headersSent && !response.hasHeader('cache-control')) {
          const status = typeof args[0] === 'number' ? args[0] : response.statusCode
          const ownsCookie = response.hasHeader('set-cookie')
          const facts = { status, ownsCookie, shared: false, ageMs: 0, freshForMs: Number.POSITIVE_INFINITY }
          response.setHeader('cache-control', clientCacheControl(policy, { ...facts, defaultMaxAgeMs: clientMaxAgeMs }))
        }
        return inner(...args)
      }) as typeof response.writeHead
    }
    next()
  }
}
