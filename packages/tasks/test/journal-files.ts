import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeWithFile } from '@plinth/testing'
import { createTasks, type MemoryBroker, memoryBroker, type Tasks, type TasksOptions } from '../src/index.js'
import type { AnyTask } from '../src/task.js'

let directory: string | undefined
let files = 0

/** A path where nothing is yet, in a directory that is gone when the test file is over. */
export function freshPath(): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'plinth-journal-'))
    closeWithFile(() => rmSync(made, { recursive: true, force: true }))
    directory = made
  }
  return join(directory, `journal-${files++}`)
}

/** What a kill of the process would leave behind now: the file as it is, and nobody who holds it. */
export function afterKill(path: string): string {
  const copy = freshPath()
  copyFileSync(path, copy)
  return copy
}

/** One process over a journal. */
export interface JournalProcess extends AsyncDisposable {
  readonly broker: MemoryBroker
  readonly tasks: Tasks
}

/** Starts one: `await using` it, so that it is closed with the test. */
export function processOn(
  path: string,
  tasks: readonly AnyTask[],
  options: Omit<TasksOptions, 'broker'> = {},
): JournalProcess {
  const broker = memoryBroker({ journal: path })
  const made = createTasks({ ...options, broker, tasks, deps: undefined as never })
  return { broker, tasks: made, [Symbol.asyncDispose]: () => made.close({ deadline: 0 }) }
}
