import { setTimeout as sleep } from 'node:timers/promises'
import { defineTask, NonRetryableError, type Task } from '../../src/index.js'
import { writeRun } from './run-ledger.js'

/** What one task of a fault test does. */
export interface Work {
  /** How long it takes, in milliseconds. */
  readonly ms?: number
  /** Throws on so many first attempts, and is tried again. */
  readonly failures?: number
  /** How it ends after that; by default it completes. `kill` takes its process down, `deaf` does not hear its signal. */
  readonly end?: 'dead' | 'kill' | 'deaf'
}

/** The task of the fault tests. With a ledger it writes every run down; it waits 300 and 700 ms before it is tried again. */
export function workTask(ledger?: string): Task<Work, void> {
  return defineTask({
    name: 'work',
    retry: { attempts: 4, backoff: (attempt: number) => (attempt === 1 ? 300 : 700) },
    run: async ({ ms = 0, failures = 0, end }: Work, context) => {
      if (ledger !== undefined) writeRun(ledger, 'start', context.id, context.attempt)
      if (end === 'kill') process.kill(process.pid, 'SIGKILL')
      if (ms > 0) await sleep(ms, undefined, end === 'deaf' ? { ref: false } : { signal: context.signal })
      if (ledger !== undefined) writeRun(ledger, 'end', context.id, context.attempt)
      if (context.attempt <= failures) throw new Error(`attempt ${context.attempt} fails`)
      if (end === 'dead') throw new NonRetryableError('this one fails for good')
    },
  })
}
