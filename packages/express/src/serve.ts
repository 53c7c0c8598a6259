import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RouteInvalidator } from '@plinth/cache/http'
import { httpIntake, type InfraHost, type Logger, type RunUntilSignalOptions, runUntilSignal } from '@plinth/core'
import type { Express } from 'express'
import { planOf } from './invalidates.js'
import { policiesOf } from './limited.js'
import { mountedHandlers } from './mounted-handlers.js'
import type { PlinthHost } from './plinth-host.js'

/** Where to listen, and how to end. */
export interface ServeOptions {
  /** 0 for any free one. */
  readonly port: number
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** Which signals close the whole, and within which deadline; `false` leaves signals alone. */
  readonly signals?: RunUntilSignalOptions | false
  readonly logger?: Logger
}

/** An app that listens. */
export interface ServedApp {
  /** Where, such as `http://127.0.0.1:3000`. */
  readonly url: string
  readonly server: Server
  /** Drains and closes server and infra, as a signal would. */
  close(): Promise<void>
}

/**
 * Listens, and ends server and infra together: readiness off, keep serving for the drain delay, finish what runs, close.
 *
 * @throws what `listen` reports, such as EADDRINUSE, and MisconfiguredError when a route asks for what limiter or cache cannot do;
 * then nothing is left open but the infra.
 */
export async function serve(
  app: Express,
  infra: InfraHost & Pick<PlinthHost, 'cache' | 'rateLimiter'>,
  options: ServeOptions,
): Promise<ServedApp> {
  const { port, host = '127.0.0.1', signals = {}, logger } = options
  noteHandlers(app, infra)
  const server = createServer(app)
  const intake = httpIntake(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  infra.addIntake(intake)
  if (signals !== false) runUntilSignal(infra, { ...(logger === undefined ? {} : { logger }), ...signals })
  return { url: urlOf(server, host), server, close: async () => void (await infra.close()) }
}

/** Tells limiter and cache what the app will ask of them. */
function noteHandlers(app: Express, { cache, rateLimiter }: Pick<PlinthHost, 'cache' | 'rateLimiter'>): void {
  const invalidator = cache && new RouteInvalidator(cache)
  for (const handler of mountedHandlers(app)) {
    for (const policy of policiesOf(handler)) rateLimiter?.noteRoute(policy)
    const plan = planOf(handler)
    if (plan !== undefined) invalidator?.prepare(plan)
  }
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
