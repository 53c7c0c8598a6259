import type { TaskMessage } from './message.js'
import type { Outcome } from './outcome.js'
import type { AnyTask } from './task.js'

/** The longest pause between two looks whether a worker knows a parked task by now. */
const LONGEST_PAUSE_MS = 30_000

/**
 * Decides about a task that this worker does not know, or knows only in an older version.
 *
 * During a rolling deploy newer producers meet older workers, so it is put aside, and looked at again by whichever worker
 * comes first; no attempt is spent. Only after `graceMs` of that is it dead.
 */
export function parking(message: TaskMessage, known: AnyTask | undefined, now: number, graceMs: number): Outcome {
  const parkedAt = message.parkedAt ?? now
  const waitedMs = Math.max(0, now - parkedAt)
  if (waitedMs < graceMs) {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(1000, waitedMs / 2), graceMs - waitedMs)
    return { kind: 'later', delayMs: pauseMs, parkedAt }
  }
  const text =
    known?.run === undefined
      ? `No worker knows task "${message.task}".`
      : `Version ${message.version} of task "${message.task}" is newer than what workers know (${known.version}).`
  return { kind: 'dead', reason: 'unknown-task', failure: { name: 'UnknownTask', message: text } }
}
