import { type InfraHost, mayBeInfraPath, sendWebResponse, webRequest } from '@plinth/core'
import type { RequestHandler } from 'express'

/**
 * Answers the infra's own paths: health, webhooks and the mailbox. Every other request passes.
 *
 * Mount it first, so that neither limits nor authentication stand before the probes of a platform.
 */
export function healthRoutes(infra: InfraHost): RequestHandler {
  return (request, response, next) => {
    if (!mayBeInfraPath(request.path)) {
      next()
      return
    }
    infra
      .fetch(webRequest(request, `${request.protocol}://${request.host}`))
      .then((answer) => (answer === undefined ? next() : sendWebResponse(answer, response)))
      .catch(next)
  }
}
