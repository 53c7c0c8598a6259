import type { Duration } from '@plinth/config/units'
import type { Lane } from './lane.js'

/** How a worker works. */
export interface WorkerOptions {
  /** How many tasks at once. Default 10. */
  readonly concurrency?: number
  /** Which queues to serve. Default: those of all tasks given to `createTasks`. */
  readonly queues?: readonly string[]
  /** The share of each lane while all have work. Default 6, 3 and 1. */
  readonly weights?: Partial<Record<Lane, number>>
  /** How many times a task may bring down its process, running alone, before it is dead as `crash`. Default 3. */
  readonly crashBudget?: number
  /** How long a handler may take to end after its signal has aborted. Default `'1s'`. */
  readonly grace?: Duration
  /** How long tasks that no worker knows yet (a newer version is being rolled out) are put aside before they are dead. Default `'15m'`. */
  readonly unknownGrace?: Duration
  /** Whether this worker may lead the schedules. Default true. */
  readonly schedules?: boolean
}

/** How a worker is closed. */
export interface WorkerCloseOptions {
  /** How long running tasks may go on; then they are told to end and handed back. Default `'10s'`. */
  readonly deadline?: Duration
}

/** How a worker went down. */
export interface WorkerCloseReport {
  /** Tasks that ended by themselves while it was closing. */
  readonly finished: number
  /** Tasks that were handed back for another worker. */
  readonly handedBack: number
  /** Handlers that were still running when it had closed: they ignored their signal. */
  readonly zombies: number
  readonly ms: number
}

/** Runs tasks in this process. */
export interface TaskWorker {
  /**
   * Begins to take tasks. While the broker is away it waits for it in the background, and resumes by itself after every
   * outage; rejects only for what a person must mend. A worker of a broker that processes share keeps its process running
   * until it is closed.
   */
  start(): Promise<void>
  /** Takes no more tasks, lets the running ones end, and hands back what is left at the deadline. Safe to call twice. */
  close(options?: WorkerCloseOptions): Promise<WorkerCloseReport>
  readonly state: 'idle' | 'running' | 'closing' | 'closed'
  /** How many tasks are running now. */
  readonly running: number
  /** How many handlers go on although their task has been settled without them. */
  readonly zombies: number
}
