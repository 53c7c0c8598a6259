import { CacheOptionError } from '../cache-errors.js'

/** Bounds of {@link limited}. */
export interface Limits {
  readonly concurrency: number
  /** Begins no more tasks once it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Answers after this many milliseconds at the latest; the tasks go on. */
  readonly budgetMs?: number | undefined
}

/** What came of tasks until the answer. */
export interface Outcomes {
  readonly done: number
  readonly failures: readonly unknown[]
  /** Whether every task has ended. */
  readonly complete: boolean
}

type Task = () => Promise<unknown>

/** Runs tasks, `concurrency` at a time, all of them, and answers what came of them. */
export async function limited(
  tasks: Iterable<Task> | AsyncIterable<Task>,
  { concurrency, signal, budgetMs }: Limits,
): Promise<Outcomes> {
  const failures: unknown[] = []
  let done = 0
  let complete = false
  const queue = Symbol.asyncIterator in tasks ? tasks[Symbol.asyncIterator]() : tasks[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    while (!signal?.aborted) {
      const next = await queue.next()
      if (next.done) return
      try {
        await next.value()
        done++
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const all = Promise.all(Array.from({ length: concurrency }, lane)).then(() => {
    complete = signal?.aborted !== true
  })
  await (budgetMs === undefined ? all : within(budgetMs, all))
  return { done, failures: [...failures], complete }
}

/** @throws CacheOptionError for what is no number of tasks. */
export function checkedConcurrency(concurrency: number, where: string): number {
  if (Number.isInteger(concurrency) && concurrency > 0) return concurrency
  throw new CacheOptionError(`${where} must be a whole number above zero.`)
}

async function within(budgetMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, budgetMs).unref()
  })
  try {
    await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
