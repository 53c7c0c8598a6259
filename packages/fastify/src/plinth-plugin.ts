import { MisconfiguredError } from '@plinth/core'
import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { PlinthHost } from './plinth-host.js'
import type { PlinthPluginOptions } from './plinth-options.js'
import { RequestPath } from './request-path.js'
import type { PlinthRouteConfig } from './route-config.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The infra that `plinthPlugin` was given. */
    plinth: PlinthHost
  }
  interface FastifyContextConfig {
    /** What Plinth does for this route. */
    plinth?: PlinthRouteConfig
  }
}

/**
 * Limits, caches and invalidates the routes of a Fastify app, as each says in `config.plinth`.
 *
 * Route options are read when a request comes, so that it makes no difference whether a route was declared before or after the
 * plugin, or in a child. Registered inside a child, it covers that child alone. The order for each request: what the address is
 * charged to, the route's own hooks, what the caller is charged to, the cache, the handler; then the cache again, before
 * compression.
 *
 * @throws MisconfiguredError when it is registered twice for the same routes.
 */
export const plinthPlugin: FastifyPluginCallback<PlinthPluginOptions> = fastifyPlugin(register, {
  name: '@plinth/fastify',
  fastify: '5.x',
})

function register(app: FastifyInstance, options: PlinthPluginOptions, done: (error?: Error) => void): void {
  if (app.hasDecorator('plinth')) {
    done(
      new MisconfiguredError(
        'plinthPlugin is registered twice for the same routes. Register it once, or in sibling plugins.',
      ),
    )
    return
  }
  const path = new RequestPath(options)
  app.decorate('plinth', options.infra)
  app.addHook('onRoute', (route) => path.declare(route.url, route.config?.plinth))
  app.addHook('onRequest', (request, reply, next) => path.arrive(request, reply, next))
  app.addHook('preClose', (next) => {
    options.infra.beginDrain?.()
    next()
  })
  done()
}
