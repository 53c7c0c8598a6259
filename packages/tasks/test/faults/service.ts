import { closeWithFile } from '@plinth/testing'
import { createTasks, type Task, type Tasks } from '../../src/index.js'
import { type BrokerPlace, brokerAt } from './broker-place.js'
import type { Work } from './work.js'

/** A service of this process over a place. A test that fails leaves its closing to the end of the file. */
export function serviceAt(place: BrokerPlace, task: Task<Work, void>): Tasks {
  const tasks = createTasks({ broker: brokerAt(place), tasks: [task] })
  closeWithFile(() => tasks.close({ deadline: '1s' }))
  return tasks
}
