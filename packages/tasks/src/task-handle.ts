import type { Duration } from '@plinth/config/units'
import type { CancelAnswer, RecordState } from './broker.js'
import { checkOptions, DURATION, durationOf, type Kinds, mustBe, SIGNAL, TEXT } from './option-checks.js'

/**
 * Where a task stands. `unknown`: it never was, or is no longer kept; `buffered`: it waits in this process for the broker to
 * come back; `disabled`: tasks are switched off.
 */
export type TaskStatus = RecordState | 'unknown' | 'buffered' | 'disabled'

/** A task that was enqueued, from any process. */
export interface TaskHandle<Output = unknown> {
  readonly id: string
  readonly queue: string
  /** Whether it stands for a task that was there already (idempotency key, unique, or the same id). */
  readonly deduplicated: boolean
  /**
   * Waits for the task's end and answers its result, as it comes out of JSON.
   *
   * @throws TaskFailedError when it is dead, TaskCancelledError when it was cancelled, ResultTimeoutError after `timeout`
   * (default `'30s'`), ResultUnavailableError when nothing is known about it, TasksDisabledError when tasks are off.
   */
  result(options?: ResultOptions): Promise<Output>
  status(): Promise<TaskStatus>
  /** The last progress its handler reported; `undefined` when there is none. */
  progress(): Promise<unknown>
  /** Cancels it, also while it runs. Answers `requested` when the worker that runs it was told, `finished` when it is too late. */
  cancel(reason?: string): Promise<CancelAnswer | 'disabled'>
}

/** How long to wait for a result. */
export interface ResultOptions {
  /** Default `'30s'`. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

const KINDS = { timeout: DURATION, signal: SIGNAL } satisfies Kinds<ResultOptions>

/** Reads how long to wait. @throws TaskDefinitionError */
export function readResultOptions(options: ResultOptions): {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
} {
  checkOptions(options, KINDS, 'handle.result()')
  return { timeoutMs: durationOf(options.timeout ?? '30s', 'timeout of handle.result()'), signal: options.signal }
}

/** Refuses a reason of a cancellation that is no text. @throws TaskDefinitionError */
export function checkReason(reason: string | undefined): void {
  if (reason !== undefined) mustBe(reason, TEXT, 'The reason of a cancellation')
}
