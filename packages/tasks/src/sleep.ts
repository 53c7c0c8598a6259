import { systemTaskClock, type TaskClock } from './task-clock.js'

/** Waits `ms`, or until the signal aborts. Never rejects, and keeps no process alive. */
export function sleep(ms: number, signal?: AbortSignal, clock: TaskClock = systemTaskClock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, done)
    signal?.addEventListener('abort', done, { once: true })
    if (signal?.aborted === true) done()
    function done(): void {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
  })
}
