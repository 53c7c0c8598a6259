import { type Logger, silentLogger } from '@plinth/core'
import type { TasksAdmin } from './admin.js'
import type { DeadLetters } from './dead-letters.js'
import type { Task } from './task.js'
import { TasksDisabledError } from './task-errors.js'
import type { TaskHandle } from './task-handle.js'
import { taskId } from './task-id.js'
import type { BatchAnswer, BatchItem, Tasks } from './tasks.js'
import type { TaskWorker } from './worker-options.js'

/**
 * Gives the `Tasks` of a service that has them switched off: same type, same calls, nothing enqueued and nothing run.
 *
 * Every enqueue answers a handle whose status is `disabled` (its result rejects with `TasksDisabledError`); the first one
 * is said in one log line.
 */
export function disabledTasks(options: { readonly logger?: Logger } = {}): Tasks {
  const { logger = silentLogger } = options
  let said = false
  const handle = (queue: string, id: string): TaskHandle<never> => ({
    id,
    queue,
    deduplicated: false,
    result: () => Promise.reject(new TasksDisabledError()),
    status: () => Promise.resolve('disabled'),
    progress: () => Promise.resolve(undefined),
    cancel: () => Promise.resolve('disabled'),
  })
  const enqueue = <Output>(task: { readonly name: string; readonly queue: string }): TaskHandle<Output> => {
    if (!said) {
      said = true
      logger.warn({ task: task.name }, 'tasks are disabled (TASKS_ENABLED=false): nothing is enqueued')
    }
    return handle(task.queue, taskId(Date.now()))
  }
  return {
    enabled: false,
    broker: 'disabled',
    target: undefined,
    available: false,
    onChange: () => () => {},
    buffered: 0,
    open: () => Promise.resolve(),
    enqueue: async <Input, Output, Deps>(task: Task<Input, Output, Deps>, ..._rest: unknown[]) => enqueue<Output>(task),
    enqueueMany: async <Input, Output, Deps>(task: Task<Input, Output, Deps>, items: readonly BatchItem<Input>[]) =>
      items.map((): BatchAnswer<Output> => ({ handle: enqueue(task) })),
    handle: (task, id) => handle(task.queue, id),
    worker: disabledWorker,
    schedule: () => {},
    dead: DISABLED_DEAD,
    admin: DISABLED_ADMIN,
    close: () => Promise.resolve(),
  }
}

function disabledWorker(): TaskWorker {
  let state: TaskWorker['state'] = 'idle'
  return {
    get state() {
      return state
    },
    running: 0,
    zombies: 0,
    start: async () => {
      state = 'running'
    },
    close: async () => {
      state = 'closed'
      return { finished: 0, handedBack: 0, zombies: 0, ms: 0 }
    },
  }
}

const DISABLED_DEAD: DeadLetters = {
  list: async () => [],
  replay: async (_which, options) => ({ replayed: [], dryRun: options?.dryRun ?? false }),
  discard: async () => false,
}

const DISABLED_ADMIN: TasksAdmin = {
  queues: [],
  counts: async () => ({}),
  list: async () => [],
  inspect: async () => undefined,
  cancel: async () => 'unknown',
  retry: async () => false,
  pause: async () => {},
  resume: async () => {},
  paused: async () => false,
  schedules: async () => [],
  pauseSchedule: async () => {},
  resumeSchedule: async () => {},
  runSchedule: () => Promise.reject(new TasksDisabledError()),
}
