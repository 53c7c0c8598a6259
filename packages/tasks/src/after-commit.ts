import type { EnqueueArguments, EnqueueOptions } from './enqueue-options.js'
import { FUNCTION, having, mustBe } from './option-checks.js'
import type { Task } from './task.js'
import { TaskDefinitionError } from './task-errors.js'
import type { TaskHandle } from './task-handle.js'
import type { Tasks } from './tasks.js'

/** Collects tasks that are enqueued later, if at all. */
export interface Later {
  enqueue<Input, Output, Deps>(task: Task<Input, Output, Deps>, ...rest: EnqueueArguments<Input, EnqueueOptions>): void
}

/** What came of {@link afterCommit}. */
export interface Committed<Result> {
  readonly result: Result
  /** The tasks, in the order in which they were asked for. */
  readonly handles: readonly TaskHandle[]
}

/**
 * Runs `work`, a transaction, and enqueues what it collected once that has been committed; nothing when it rejects.
 *
 * No worker sees a task before its data. A process that dies between the commit and the enqueue loses the task: where that
 * must not be, use `createOutbox`.
 *
 * @throws what `work` throws; after the commit, what the first failed enqueue throws.
 */
export async function afterCommit<Result>(
  tasks: Tasks,
  work: (later: Later) => Promise<Result>,
): Promise<Committed<Result>> {
  mustBe(tasks, having('what createTasks made', 'enqueue', 'enqueueMany'), 'tasks of afterCommit')
  mustBe(work, FUNCTION, 'work of afterCommit')
  let committed = false
  const collected: (() => Promise<TaskHandle>)[] = []
  const result = await work({
    enqueue: (task, ...rest) => {
      if (committed)
        throw new TaskDefinitionError('What afterCommit collects is enqueued by now: call tasks.enqueue().')
      collected.push(() => tasks.enqueue(task, ...rest))
    },
  })
  committed = true
  return { result, handles: await Promise.all(collected.map((enqueue) => enqueue())) }
}
