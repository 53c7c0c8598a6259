import { type AvailabilityChange, BackendUnavailableError, type Readiness } from '@plinth/core'
import type { Part } from '../part.js'

/** What a part needs of its connection to be started and watched. */
export interface WatchedConnection extends Readiness {
  readonly available: boolean
  onChange(listener: (change: AvailabilityChange) => void): () => void
}

/** Start and watch of a part that is as well as its connection. */
export function connectionSteps(connection: WatchedConnection): Pick<Part, 'start' | 'watch'> {
  return {
    start: (signal) => untilReady(connection, signal),
    watch(listener) {
      const off = connection.onChange(listener)
      const { available, error } = connection
      if (!available) listener({ available, downForMs: 0, ...(error === undefined ? {} : { error }) })
      return off
    },
  }
}

/** The budget of the start bounds the wait; what comes later is told to the watcher. */
const LONGEST_WAIT_MS = 60_000

/** Resolves when a connection can be used; rejects with why it cannot. */
export async function untilReady(connection: Readiness, signal: AbortSignal): Promise<void> {
  if (await connection.whenReady({ timeoutMs: LONGEST_WAIT_MS, signal })) return
  throw connection.error ?? new BackendUnavailableError('The backend does not answer.', { reason: 'closed' })
}
