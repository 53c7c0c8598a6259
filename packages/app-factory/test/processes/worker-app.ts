// A module that makes its whole app for `plinth worker`.
import { createInfra as create, type InfraOptions } from '@plinth/app-factory'
import { deps, tasks } from './worker-module.js'

export const createInfra = (options: InfraOptions) =>
  create({ ...options, tasks, deps: { ...deps, greeting: 'Good day' } })
