import type { Logger } from '@plinth/core'
import {
  type AnyTask,
  createTasks,
  disabledTasks,
  memoryBroker,
  type TaskBroker,
  type Tasks,
  type TaskWorker,
} from '@plinth/tasks'
import type { TasksSettings } from '@plinth/tasks/config'
import type { Connections } from '../connections.js'
import type { Part } from '../part.js'
import { untilReady, type WatchedConnection } from './connection-steps.js'

/** What the caller of the factory decides about tasks; the rest comes from the environment. */
export interface TasksOptions {
  readonly tasks: readonly AnyTask[]
  readonly deps: unknown
  /** Whether this process runs tasks too. `auto`: only when they wait in its own memory. */
  readonly worker: boolean | 'auto'
}

/** Makes background tasks on the broker that the environment chose, and the worker of this process where it has one. */
export async function tasksPart(
  settings: TasksSettings,
  context: { readonly connections: Connections; readonly logger: Logger; readonly options: TasksOptions },
): Promise<Part<Tasks>> {
  const { required } = settings
  const { logger, connections, options } = context
  if (!settings.enabled) return { name: 'tasks', api: disabledTasks({ logger }), enabled: false, required }
  const { broker, connection } = await brokerOf(settings, connections)
  const tasks = createTasks({
    broker,
    tasks: options.tasks,
    deps: options.deps as never, // each handler declares what it needs; the caller of the factory provides it
    logger,
    enqueueWhenDown: settings.enqueueWhenDown,
  })
  const runs = options.worker === 'auto' ? settings.broker === 'memory' : options.worker
  const worker = runs ? tasks.worker({ concurrency: settings.concurrency }) : undefined
  return {
    name: 'tasks',
    api: tasks,
    enabled: true,
    required,
    backend: settings.broker,
    ...(tasks.target === undefined ? {} : { target: tasks.target }),
    ...steps(tasks, worker, connection),
  }
}

/** How much of the drain's share is kept for handing back what did not end. */
const HAND_BACK_MS = 250

function steps(
  tasks: Tasks,
  worker: TaskWorker | undefined,
  connection: WatchedConnection | undefined,
): Pick<Part, 'start' | 'watch' | 'drain' | 'close'> {
  return {
    async start(signal) {
      await worker?.start()
      if (connection !== undefined) await untilReady(connection, signal)
      await tasks.open({ deadlineMs: LONGEST_WAIT_MS, signal })
    },
    watch: (listener) => tasks.onChange(listener),
    async drain(_signal, budgetMs) {
      await worker?.close({ deadline: Math.max(0, budgetMs - HAND_BACK_MS) })
    },
    close: () => tasks.close({ deadline: 0 }),
  }
}

/** The budget of the start bounds the wait; a broker that comes later is told to the watcher. */
const LONGEST_WAIT_MS = 60_000

interface ChosenBroker {
  readonly broker: TaskBroker
  /** What it was lent; a broker with a connection of its own waits for that itself. */
  readonly connection?: WatchedConnection
}

async function brokerOf(settings: TasksSettings, connections: Connections): Promise<ChosenBroker> {
  if (settings.redis !== undefined) {
    const { redisBroker } = await import('@plinth/tasks/redis')
    const connection = await connections.redis(settings.redis, 'tasks')
    return { broker: redisBroker({ connection }), connection }
  }
  if (settings.rabbitmq !== undefined) {
    const { rabbitmqBroker } = await import('@plinth/tasks/rabbitmq')
    return { broker: rabbitmqBroker({ url: settings.rabbitmq.url.reveal() }) }
  }
  const { journal: path, journalSync: sync = false } = settings.memory ?? {}
  return { broker: memoryBroker(path === undefined ? {} : { journal: { path, sync } }) }
}
