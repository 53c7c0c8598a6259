import type { RequestHandler } from 'express'
import { invalidateBeforeEnd } from './invalidates.js'
import { charge } from './limited.js'
import { enterContext, PlinthContext, type PlinthOptions } from './plinth-context.js'
import type { PlinthHost } from './plinth-host.js'
import { proceed } from './proceed.js'

/**
 * Gives an app its infra: what `cached`, `invalidates`, `limited` and `clientCache` on its routes work with.
 *
 * By itself it charges every request to `addressLimit`, invalidates the answers under the path of every successful unsafe request,
 * and, once the infra drains, tells clients to close their connections. Mount it before body parsers and routes; a
 * compressing middleware may stand before or after it.
 */
export function plinth(infra: PlinthHost, options: PlinthOptions = {}): RequestHandler {
  const context = new PlinthContext(infra, options)
  const { addressLimit } = options
  return (request, response, next) => {
    enterContext(request, context)
    if (infra.phase === 'draining') response.setHeader('connection', 'close')
    invalidateBeforeEnd(context, request, response, next)
    if (addressLimit === undefined) {
      next()
      return
    }
    proceed(charge(context, { policy: addressLimit }, undefined, request, response), next)
  }
}
