import { MisconfiguredError } from '@plinth/core'
import { sleep } from '../../sleep.js'
import type { RabbitSession } from './rabbit-link.js'

/** How often, and with which pauses in milliseconds, something is tried that another process may be doing right now. */
const TRIES = 30
const PAUSE_MS = 100

/**
 * Does something that fails while another process declares the same: RabbitMQ closes the channel of the second, and a
 * stream has no replica to read from for a moment. The last failure is passed on.
 */
export async function patiently(session: RabbitSession, work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work()
      return
    } catch (error) {
      if (tries === TRIES || session.over.aborted || isForbidden(error)) throw error
      await sleep(PAUSE_MS, session.over)
    }
  }
}

/** A missing permission is not missing because of another process. */
function isForbidden(error: unknown): boolean {
  return error instanceof MisconfiguredError && /ACCESS.REFUSED/i.test(error.message)
}
