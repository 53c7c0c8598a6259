import type { Logger } from '@plinth/core'
import { systemTaskClock } from './task-clock.js'
import { lagChannel } from './task-events.js'

/** What a watch needs of its worker. */
export interface LoopWatchOptions {
  /** How long the event loop may stand still before other workers take over what runs here, in milliseconds. */
  readonly leaseMs: number
  readonly logger: Logger
  /** The names of tasks that run, and of the one that was started last: one of them may be what blocks. */
  readonly running: () => readonly string[]
}

/** After a warning the next one comes no sooner. */
const QUIET_MS = 60_000

/**
 * Warns when the event loop of a worker stands still for more than a third of the lease of its tasks: some handler computes
 * without a pause, and a little more of it gives what runs here to another worker.
 *
 * Two looks in the time after which it warns; nothing else is done. The answer ends the watch.
 */
export function watchLoop({ leaseMs, logger, running }: LoopWatchOptions): () => void {
  if (!Number.isFinite(leaseMs)) return () => {}
  const worthSaying = leaseMs / 3
  const periodMs = Math.max(10, worthSaying / 2)
  let looked = systemTaskClock.elapsed()
  let warned = Number.NEGATIVE_INFINITY
  // What ran when the loop was last seen going is what may have stopped it: by now it may have ended.
  let before = running()
  const timer = setInterval(() => {
    const now = systemTaskClock.elapsed()
    const lagMs = Math.round(now - looked - periodMs)
    looked = now
    const tasks = [...new Set([...before, ...running()])]
    before = running()
    if (lagMs < worthSaying || tasks.length === 0) return
    lagChannel.publish({ lagMs, leaseMs, tasks })
    if (now - warned < QUIET_MS) return
    warned = now
    logger.warn(
      { lagMs, leaseMs, tasks },
      'the event loop of a worker stood still: after the lease its tasks run elsewhere, too. Do long computing in a worker thread, or in pieces',
    )
  }, periodMs).unref()
  return () => clearInterval(timer)
}
