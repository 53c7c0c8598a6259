import type { DeadlineLine, Standing } from './deadline-line.js'

/** Bounds of {@link withDeadline}. */
export interface DeadlineOptions {
  /** Milliseconds to wait at most; absent means without end. */
  readonly deadlineMs?: number | undefined
  /** Ends the wait sooner: the answer rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Makes the error with which the answer rejects when the time is up. */
  readonly onDeadline: () => Error
}

/** {@link DeadlineOptions} of a wait that is one of many, and somebody counts how they end. */
export interface WaitOptions extends DeadlineOptions {
  /** Where waits as long as this one stand for a timer in common. Default: it has one of its own. */
  readonly line?: DeadlineLine | undefined
  /** Told of an answer that came in time. */
  readonly onAnswer?: (() => void) | undefined
  /** Told of a failure or the end of the time, never of the signal's: answers with what the wait rejects. */
  readonly judge?: ((error: unknown) => unknown) | undefined
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
  return options.signal === undefined && options.deadlineMs === undefined ? work : waitFor(work, options)
}

/** {@link withDeadline} for whoever makes many waits and counts how they end. */
export function waitFor<Result>(work: Promise<Result>, options: WaitOptions): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    const wait = new Wait(options, resolve as (result: unknown) => void, reject)
    work.then(
      (result) => wait.resolve(result),
      (error: unknown) => wait.fail(error),
    )
    wait.begin()
  })
}

/** One wait under way. A class and not closures: it is made for every call to every backend. */
class Wait implements Standing {
  due = 0
  previous: Standing | undefined = undefined
  next: Standing | undefined = undefined
  readonly #options: WaitOptions
  readonly #resolve: (result: unknown) => void
  readonly #reject: (error: unknown) => void
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  #lastLook: NodeJS.Immediate | undefined

  constructor(options: WaitOptions, resolve: (result: unknown) => void, reject: (error: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  begin(): void {
    const { deadlineMs, signal, line } = this.#options
    if (signal !== undefined) {
      if (signal.aborted) {
        this.handleEvent()
        return
      }
      signal.addEventListener('abort', this, { once: true })
    }
    if (deadlineMs === undefined) return
    if (line !== undefined) {
      line.join(this)
      return
    }
    this.due = performance.now() + deadlineMs
    this.#timer = setTimeout(ring, deadlineMs, this).unref()
  }

  resolve(result: unknown): void {
    if (this.#isOver) return
    this.#end()
    this.#options.onAnswer?.()
    this.#resolve(result)
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#end()
    const { judge } = this.#options
    this.#reject(judge === undefined ? error : judge(error))
  }

  /** The signal has aborted. */
  handleEvent(): void {
    if (this.#isOver) return
    this.#end()
    this.#reject(this.#options.signal?.reason)
  }

  /** The time is up. After a busy stretch timers come first; what lies in the sockets is read between them and an immediate. */
  ring(): void {
    if (this.#lastLook === undefined && performance.now() - this.due > BUSY_MS) {
      this.#lastLook = setImmediate(ring, this)
    } else this.fail(this.#options.onDeadline())
  }

  #end(): void {
    this.#isOver = true
    this.#options.line?.leave(this)
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    if (this.#lastLook !== undefined) clearImmediate(this.#lastLook)
    this.#options.signal?.removeEventListener('abort', this)
  }
}

function ring(wait: Wait): void {
  wait.ring()
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
