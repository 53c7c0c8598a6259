import { serve } from '@plinth/express'
import { createApplication } from './application.js'
import { expressApp } from './express-app.js'
import { startUp } from './start-up.js'

await startUp(async () => {
  const application = await createApplication({ env: process.env })
  const { infra, settings } = application
  const { host, port, closeDeadlineMs } = settings.app
  const { url } = await serve(await expressApp(application), infra, {
    host,
    port,
    signals: { deadlineMs: closeDeadlineMs },
  })
  console.log(`Express listens on ${url}`)
})
