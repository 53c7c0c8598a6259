import { MisconfiguredError, runUntilSignal } from '@plinth/core'
import { createApplication } from './application.js'
import { startUp } from './start-up.js'

await startUp(async () => {
  const { infra, settings } = await createApplication({ env: process.env, worker: true })
  if (settings.tasks.broker === 'memory' || settings.sample.databaseUrl === undefined) {
    await infra.close()
    throw new MisconfiguredError(
      'A worker of its own shares tasks and data with the web process: set TASKS_BROKER to redis or rabbitmq, and DATABASE_URL.',
    )
  }
  runUntilSignal(infra, { deadlineMs: settings.app.closeDeadlineMs })
  console.log('The worker takes tasks')
})
