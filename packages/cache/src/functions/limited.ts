/** Runs tasks, `concurrency` at a time, all of them; answers what failed. Stops beginning new ones when the signal aborts. */
export async function limited(
  tasks: Iterable<() => Promise<unknown>>,
  concurrency: number,
  signal?: AbortSignal,
): Promise<{ readonly done: number; readonly failures: readonly unknown[] }> {
  const failures: unknown[] = []
  let done = 0
  const queue = tasks[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    while (!signal?.aborted) {
      const next = queue.next()
      if (next.done) return
      try {
        await next.value()
        done++
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return { done, failures }
}
