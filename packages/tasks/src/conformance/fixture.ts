import type { TaskBroker } from '../broker.js'
import { createTasks, type TasksOptions } from '../create-tasks.js'
import type { AnyTask } from '../task.js'
import type { Tasks } from '../tasks.js'

/** What the checks of a broker are run against: one place where tasks wait, as several processes see it. */
export interface TaskBrokerFixture {
  /** Makes a broker over that place, as one more process would. The check closes it. */
  broker(): TaskBroker
  /**
   * Does to what a broker holds what the death of its process does: connections gone, nothing handed back, outcomes lost.
   * The check does not use that broker again.
   */
  crash(broker: TaskBroker): Promise<void>
  /**
   * Puts a text that is no task into the normal lane of a queue, as a stray producer or a damaged disk would. Leave it out
   * only where nobody but the broker itself can write.
   */
  plant?(queue: string, text: string): Promise<void>
}

/** One process of a check: its tasks, and the broker under them. */
export interface CheckProcess {
  readonly tasks: Tasks
  readonly broker: TaskBroker
}

/** Starts one more process. */
export type StartProcess = (tasks: readonly AnyTask[], options?: Omit<TasksOptions, 'broker'>) => CheckProcess

/** Runs a check with as many processes as it starts, and closes them all, passed or not. */
export async function withProcesses(
  fixture: TaskBrokerFixture,
  check: (start: StartProcess) => Promise<void>,
): Promise<void> {
  const started: Tasks[] = []
  try {
    await check((tasks, options = {}) => {
      const broker = fixture.broker()
      const made = createTasks({ enqueueTimeout: '30s', ...options, broker, tasks, deps: undefined as never })
      started.push(made)
      return { tasks: made, broker }
    })
  } finally {
    await Promise.all(started.map((tasks) => tasks.close({ deadline: '1s' })))
  }
}
