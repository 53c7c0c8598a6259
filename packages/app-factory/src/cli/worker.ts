import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, type Env } from '@plinth/config'
import { InfraError, MisconfiguredError, runUntilSignal, sanitizeError } from '@plinth/core'
import type { AnyTask } from '@plinth/tasks'
import type { InfraConfig } from '../config.js'
import { createInfra } from '../create-infra.js'
import type { InfraBase } from '../infra.js'

/** What a module gives the worker: its tasks and what their handlers need, or a function that makes the whole app. */
interface WorkerModule {
  readonly tasks?: readonly AnyTask[]
  readonly deps?: unknown
  readonly createInfra?: (options: { readonly env: Env; readonly worker: true }) => Promise<WorkerInfra> | WorkerInfra
}

/** What the command needs of an infra that a module made. */
interface WorkerInfra extends InfraBase {
  readonly config: InfraConfig
}

/** What the command needs of the process it runs in. */
export interface WorkerHost {
  readonly env: Env
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/**
 * Runs the tasks of a module until a signal comes, then finishes those that run and closes; answers the exit code.
 *
 * The module exports `tasks` (and `deps`, if their handlers need any), or `createInfra`, which is called with the environment and
 * `worker: true`. What a person can mend is told in one line, with exit code 1.
 */
export async function runWorker(file: string, host: WorkerHost): Promise<number> {
  let infra: WorkerInfra
  const early = noteSignals()
  try {
    infra = await infraOf(file, host.env)
  } catch (error) {
    host.stderr.write(`plinth worker: ${toldOf(error)}\n`)
    return 1
  } finally {
    early.stop()
  }
  // An outage may leave nothing else that keeps the process, and it must be there when the broker comes back.
  const stay = setInterval(() => {}, 2 ** 30)
  const running = runUntilSignal(infra, { deadlineMs: infra.config.app.closeDeadlineMs })
  host.stdout.write('The worker takes tasks until it gets a signal.\n')
  if (early.signal !== undefined) process.kill(process.pid, early.signal)
  try {
    const { clean, ms } = await running.closed
    host.stdout.write(
      `The worker has ended${clean ? '' : ', but not everything closed in time'} (${Math.round(ms)} ms).\n`,
    )
    return 0
  } catch (error) {
    host.stderr.write(`plinth worker: ${toldOf(error)}\n`)
    return 1
  } finally {
    clearInterval(stay)
  }
}

/** Keeps a signal that comes during the start from tearing the process down with tasks in hand; the second one does. */
function noteSignals(): { readonly signal: NodeJS.Signals | undefined; stop(): void } {
  let first: NodeJS.Signals | undefined
  const note = (signal: NodeJS.Signals): void => {
    if (first !== undefined) process.exit(1)
    first = signal
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, note)
  return {
    get signal() {
      return first
    },
    stop: () => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, note)
    },
  }
}

async function infraOf(file: string, env: Env): Promise<WorkerInfra> {
  if (!existsSync(resolve(file))) {
    throw new MisconfiguredError(`There is no file ${file}. Name a module that exports "tasks" or "createInfra".`)
  }
  const module: WorkerModule = await import(pathToFileURL(resolve(file)).href)
  const infra = await makeInfra(module, file, env)
  if (infra?.config?.tasks === undefined) {
    throw new MisconfiguredError(`createInfra of ${file} must answer what createInfra of @plinth/app-factory made.`)
  }
  const { tasks } = infra.config
  if (tasks.enabled && tasks.broker !== 'memory') return infra
  await infra.close()
  throw new MisconfiguredError(
    tasks.enabled
      ? 'TASKS_BROKER=memory keeps tasks in the process that enqueues them, so a worker of its own would get none. Set TASKS_BROKER to redis or rabbitmq.'
      : 'TASKS_ENABLED=false leaves a worker nothing to do. Set it to true.',
  )
}

async function makeInfra(module: WorkerModule, file: string, env: Env): Promise<WorkerInfra> {
  if (module.createInfra !== undefined && typeof module.createInfra !== 'function') {
    throw new MisconfiguredError(`${file} exports a "createInfra" that is no function.`)
  }
  if (module.createInfra !== undefined) return module.createInfra({ env, worker: true })
  if (module.tasks === undefined) {
    throw new MisconfiguredError(`${file} exports neither "tasks" nor "createInfra". Export one of them.`)
  }
  return createInfra({ env, tasks: module.tasks, deps: module.deps, worker: true })
}

/** Words where a person can mend it; the stack where only a programmer can. */
function toldOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof InfraError) return error.message
  const { message, stack } = sanitizeError(error)
  return stack ?? message
}
