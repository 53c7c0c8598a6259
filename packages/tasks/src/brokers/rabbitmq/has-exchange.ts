import { BackendUnavailableError } from '@plinth/core'
import type { RabbitSession } from './rabbit-link.js'

/** Whether somebody has declared an exchange of this name. */
export async function hasExchange(session: RabbitSession, name: string): Promise<boolean> {
  try {
    await session.scratch((channel) => channel.checkExchange(name))
    return true
  } catch (error) {
    if (error instanceof BackendUnavailableError && /no exchange/i.test(error.message)) return false
    throw error
  }
}
