import { describeFailure } from './failure.js'
import type { Outcome } from './outcome.js'
import { Snooze } from './snooze.js'
import type { AnyTask, TaskContext } from './task.js'
import { NonRetryableError, RetryAfterError, TaskTimeoutError } from './task-errors.js'

/** The pause before another attempt when the backoff of a task answers none. */
const FALLBACK_DELAY_MS = 1000

/** Which attempt threw, and where what is odd about it is told. */
export type ThrowingAttempt = Pick<TaskContext, 'attempt' | 'attempts' | 'log'>

/** Decides what shall become of a task whose handler threw: it is put off, tried again, or dead. A policy that throws costs no task. */
export function thrownOutcome(thrown: unknown, definition: AnyTask, attempt: ThrowingAttempt): Outcome {
  if (thrown instanceof Snooze) return { kind: 'later', delayMs: thrown.delayMs }
  const failure = describeFailure(thrown)
  if (thrown instanceof NonRetryableError || !isRetryable(thrown, definition, attempt)) {
    return { kind: 'dead', reason: 'non-retryable', failure }
  }
  if (attempt.attempt >= attempt.attempts) {
    return { kind: 'dead', reason: thrown instanceof TaskTimeoutError ? 'timeout' : 'attempts', failure }
  }
  return { kind: 'retry', delayMs: retryDelay(thrown, definition, attempt), failure }
}

function isRetryable(thrown: unknown, { retry }: AnyTask, attempt: ThrowingAttempt): boolean {
  try {
    return retry.retryIf(thrown)
  } catch (error) {
    attempt.log.warn({ failure: describeFailure(error) }, 'retryIf threw; the task is retried')
    return true
  }
}

function retryDelay(thrown: unknown, { retry }: AnyTask, attempt: ThrowingAttempt): number {
  if (thrown instanceof RetryAfterError) return thrown.delayMs
  try {
    const delayMs = retry.delayMs(attempt.attempt, thrown)
    if (Number.isFinite(delayMs) && delayMs >= 0) return delayMs
    attempt.log.warn({ delayMs: String(delayMs) }, 'backoff answered no duration; the task is retried after 1 s')
  } catch (error) {
    attempt.log.warn({ failure: describeFailure(error) }, 'backoff threw; the task is retried after 1 s')
  }
  return FALLBACK_DELAY_MS
}
