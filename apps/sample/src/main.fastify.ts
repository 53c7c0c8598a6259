import { serve } from '@plinth/fastify'
import { createApplication } from './application.js'
import { fastifyApp } from './fastify-app.js'
import { startUp } from './start-up.js'

await startUp(async () => {
  const application = await createApplication({ env: process.env })
  const { infra, settings } = application
  const { host, port, closeDeadlineMs } = settings.app
  const { url } = await serve(await fastifyApp(application), infra, {
    host,
    port,
    signals: { deadlineMs: closeDeadlineMs },
  })
  console.log(`Fastify listens on ${url}`)
})
