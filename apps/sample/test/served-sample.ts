import type { Env } from '@plinth/config'
import { silentLogger } from '@plinth/core'
import { serve as serveExpress } from '@plinth/express'
import { serve as serveFastify } from '@plinth/fastify'
import { type Application, createApplication } from '../src/application.js'
import { expressApp } from '../src/express-app.js'
import { fastifyApp } from '../src/fastify-app.js'

/** The frameworks that the service is put into. */
export const frameworks = ['fastify', 'express'] as const

/** The sample, listening. */
export interface ServedSample {
  readonly url: string
  readonly application: Application
  close(): Promise<void>
}

/** Starts the sample in this process on a free port. Mail stays in memory unless `env` says otherwise. */
export async function serveSample(framework: (typeof frameworks)[number], env: Env = {}): Promise<ServedSample> {
  const application = await createApplication({
    env: { NODE_ENV: 'test', EMAIL_TRANSPORT: 'memory', SHUTDOWN_TIMEOUT: '3s', ...env },
    logger: silentLogger,
  })
  const options = { port: 0, signals: false } as const
  const { url } =
    framework === 'fastify'
      ? await serveFastify(await fastifyApp(application), application.infra, options)
      : await serveExpress(await expressApp(application), application.infra, options)
  return { url, application, close: async () => void (await application.infra.close()) }
}
