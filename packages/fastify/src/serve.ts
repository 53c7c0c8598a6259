import { httpIntake, type InfraHost, type Logger, type RunUntilSignalOptions, runUntilSignal } from '@plinth/core'
import type { FastifyInstance } from 'fastify'

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
  /** Drains and closes app and infra, as a signal would. */
  close(): Promise<void>
}

/**
 * Listens, and ends app and infra together: readiness off, keep serving for the drain delay, finish what runs, close.
 *
 * @throws what `listen` throws, such as EADDRINUSE; then nothing is left open but the infra.
 */
export async function serve(app: FastifyInstance, infra: InfraHost, options: ServeOptions): Promise<ServedApp> {
  const { port, host = '127.0.0.1', signals = {}, logger } = options
  const intake = httpIntake(app.server)
  const url = await app.listen({ port, host })
  infra.addIntake({
    name: intake.name,
    async stop(signal) {
      // Fastify answers 503 to what comes once it closes, also to what was sent before: the server has to be done first.
      await intake.stop(signal)
      await app.close()
    },
  })
  if (signals !== false) runUntilSignal(infra, { ...(logger === undefined ? {} : { logger }), ...signals })
  return { url, close: async () => void (await infra.close()) }
}
