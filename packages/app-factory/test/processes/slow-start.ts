// A module whose app takes a while to start.
import { createInfra as create, type InfraOptions } from '@plinth/app-factory'
import { tasks } from './worker-module.js'

export const createInfra = async (options: InfraOptions) => {
  process.stdout.write(`${JSON.stringify('starting')}\n`)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return create({ ...options, tasks, deps: { greeting: 'Hello' } })
}
