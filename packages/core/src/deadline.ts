/** Bounds of {@link withDeadline}. */
export interface DeadlineOptions {
  /** Milliseconds to wait at most; absent means without end. */
  readonly deadlineMs?: number | undefined
  /** Ends the wait sooner: the answer rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Makes the error with which the answer rejects when the time is up. */
  readonly onDeadline: () => Error
}

/** A timer that is later than that tells of a busy event loop. */
const BUSY_MS = 5

/**
 * Waits for `work`, but no longer than the deadline and no longer than the signal allows.
 *
 * It ends the wait, not the work; what the work answers or throws later is dropped. An answer that had come by the deadline
 * counts, also when a busy event loop reads it late: that is no fault of whoever answered. The timer keeps no process alive, and
 * nothing stays on the signal once the answer is there (`AbortSignal.any` and `AbortSignal.timeout` leave both
 * behind on a long-lived signal).
 */
export function withDeadline<Result>(work: Promise<Result>, options: DeadlineOptions): Promise<Result> {
  const { deadlineMs, signal, onDeadline } = options
  if (signal === undefined && deadlineMs === undefined) return work
  return new Promise<Result>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let lastLook: NodeJS.Immediate | undefined
    const settle = (): void => {
      clearTimeout(timer)
      clearImmediate(lastLook)
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      settle()
      reject(signal?.reason)
    }
    work.then(
      (result) => {
        settle()
        resolve(result)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
    if (signal?.aborted === true) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (deadlineMs !== undefined) {
      const onTime = (): void => {
        settle()
        reject(onDeadline())
      }
      const due = performance.now() + deadlineMs
      timer = setTimeout(() => {
        // After a busy stretch timers come first; what lies in the sockets is read between them and an immediate.
        if (performance.now() - due > BUSY_MS) lastLook = setImmediate(onTime)
        else onTime()
      }, deadlineMs).unref()
    }
  })
}

/** A signal that aborts at a deadline or with its parent, whichever comes first. */
export interface DeadlineSignal {
  readonly signal: AbortSignal
  /** Takes the timer and the parent's listener away. Call it as soon as the work is done. */
  dispose(): void
}

/** Makes a signal for work that understands signals, such as `fetch` or a user's loader. Dispose of it in a `finally`. */
export function deadlineSignal(options: DeadlineOptions): DeadlineSignal {
  const { deadlineMs, signal: parent, onDeadline } = options
  const controller = new AbortController()
  const onAbort = (): void => end(parent?.reason)
  const timer = deadlineMs === undefined ? undefined : setTimeout(() => end(onDeadline()), deadlineMs).unref()
  const dispose = (): void => {
    clearTimeout(timer)
    parent?.removeEventListener('abort', onAbort)
  }
  function end(reason: unknown): void {
    dispose()
    controller.abort(reason)
  }
  if (parent?.aborted === true) onAbort()
  else parent?.addEventListener('abort', onAbort, { once: true })
  return { signal: controller.signal, dispose }
}
