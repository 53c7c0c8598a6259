import type { EnqueueAnswer } from './broker.js'
import type { TaskMessage } from './message.js'
import { FUNCTION, mustBe, OBJECT } from './option-checks.js'
import type { TaskContext } from './task.js'

/**
 * Wraps every enqueue and every run of a `Tasks`, first in the list outermost.
 *
 * Each part calls `next` once and answers what it answered, or something else, or throws: around a run a throw is a failed
 * attempt like any other.
 */
export interface TaskMiddleware {
  /** Around handing one message to the broker. May pass on a changed copy. */
  readonly enqueue?: (
    message: TaskMessage,
    next: (message: TaskMessage) => Promise<EnqueueAnswer>,
  ) => Promise<EnqueueAnswer>
  /** Around one attempt, inside its timeout: `input` is what the handler gets, the answer is what it answered. */
  readonly run?: (run: TaskRun, next: () => Promise<unknown>) => Promise<unknown>
}

/** One attempt, as a middleware sees it. */
export interface TaskRun {
  readonly input: unknown
  readonly context: TaskContext
  readonly message: TaskMessage
}

/** Refuses what wraps nothing. @throws TaskDefinitionError */
export function checkMiddleware(middleware: readonly TaskMiddleware[]): void {
  for (const part of middleware) {
    mustBe(part, OBJECT, 'Each middleware of createTasks')
    const { enqueue, run } = part
    if (enqueue !== undefined) mustBe(enqueue, FUNCTION, 'enqueue of a middleware')
    if (run !== undefined || enqueue === undefined) mustBe(run, FUNCTION, 'run of a middleware without enqueue')
  }
}

type RunChain = (run: TaskRun, handler: () => unknown) => unknown

/** Folds the `run` parts into one function; `undefined` when there are none, so that nothing is paid for. */
export function runChain(middleware: readonly TaskMiddleware[]): RunChain | undefined {
  let chain: RunChain | undefined
  for (const { run: wrap } of middleware.toReversed()) {
    if (wrap === undefined) continue
    const inner = chain
    chain = (run, handler) => wrap(run, async () => (inner === undefined ? handler() : inner(run, handler)))
  }
  return chain
}

/** Folds the `enqueue` parts around `send`. */
export function enqueueChain(
  middleware: readonly TaskMiddleware[],
  send: (message: TaskMessage) => Promise<EnqueueAnswer>,
): (message: TaskMessage) => Promise<EnqueueAnswer> {
  let chain = send
  for (const { enqueue: wrap } of middleware.toReversed()) {
    if (wrap === undefined) continue
    const inner = chain
    chain = (message) => wrap(message, inner)
  }
  return chain
}
