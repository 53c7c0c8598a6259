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
    async start(signal) {
      // The budget of the start bounds this wait; what comes later is told to the watcher.
      if (await connection.whenReady({ timeoutMs: LONGEST_WAIT_MS, signal })) return
      throw connection.error ?? new BackendUnavailableError('The backend does not answer.', { reason: 'closed' })
    },
    watch(listener) {
      const off = connection.onChange(listener)
      const { available, error } = connection
      if (!available) listener({ available, downForMs: 0, ...(error === undefined ? {} : { error }) })
      return off
    },
  }
}

const LONGEST_WAIT_MS = 60_000
