import { BackendUnavailableError } from '@plinth/core'
import { asError } from '../../as-error.js'
import { sleep } from '../../sleep.js'

/** How many times something is tried that fails although the broker is there. */
const REFUSALS = 4

/** Until when something is tried, and who is told of what stands in its way. */
export interface Persistence {
  /** Aborts when nothing is tried any longer. */
  readonly down: AbortSignal
  /** Told of every failure that is no outage. */
  readonly onError: (error: Error) => void
}

/** Tries until it is done, and answers whether it was: an outage is waited for, what the broker refuses is told of and left. */
export async function surely(work: () => Promise<void>, { down, onError }: Persistence): Promise<boolean> {
  for (let attempt = 1; !down.aborted; attempt += 1) {
    try {
      await work()
      return true
    } catch (error) {
      const outage = error instanceof BackendUnavailableError
      if (!outage) onError(asError(error))
      if (!outage && attempt >= REFUSALS) return false
      await sleep(Math.min(1000, 25 * 2 ** attempt), down)
    }
  }
  return false
}
