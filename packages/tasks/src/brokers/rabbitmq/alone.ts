import { BackendUnavailableError } from '@plinth/core'
import { sleep } from '../../sleep.js'
import type { RabbitSession } from './rabbit-link.js'

/** How long to wait before the lock is asked for again, in milliseconds. */
const PAUSE_MS = 50

/** What each session does alone, or is about to: the server does not keep it apart from itself. */
const own = new WeakMap<RabbitSession, Set<string>>()

/**
 * Does something while nobody else, in this process or another, does what goes by the same name; waits for its turn. The
 * lock is an exclusive queue: RabbitMQ gives it to one connection, and to the next when that one is gone.
 */
export async function alone(session: RabbitSession, name: string, work: () => Promise<void>): Promise<void> {
  const names = own.get(session) ?? new Set()
  own.set(session, names)
  for (;;) {
    if (!names.has(name)) {
      names.add(name)
      try {
        if (await lock(session, name)) return await locked(session, name, work)
      } finally {
        names.delete(name)
      }
    }
    await sleep(PAUSE_MS, session.over)
  }
}

async function locked(session: RabbitSession, name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } finally {
    await session.scratch((channel) => channel.deleteQueue(name)).catch(() => {}) // it goes with its session
  }
}

/** Whether the lock was free. */
async function lock(session: RabbitSession, name: string): Promise<boolean> {
  try {
    const options = { exclusive: true, durable: false, arguments: { 'x-queue-type': 'classic' } }
    await session.scratch((channel) => channel.assertQueue(name, options))
    return true
  } catch (error) {
    if (error instanceof BackendUnavailableError && /RESOURCE.LOCKED/i.test(error.message)) return false
    throw error
  }
}
