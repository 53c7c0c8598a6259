import { BackendUnavailableError } from '@plinth/core'
import { sleep } from '../../sleep.js'
import type { RabbitSession } from './rabbit-link.js'

/** How long to wait before the lock is asked for again, in milliseconds. */
const PAUSE_MS = 50

/** What each session does alone right now: the server does not keep it apart from itself. */
const held = new WeakMap<RabbitSession, Set<string>>()

/**
 * Does something while nobody else, in this process or another, does what goes by the same name; waits for its turn. The
 * lock is an exclusive queue: RabbitMQ gives it to one connection, and to the next when that one is gone.
 */
export async function alone(session: RabbitSession, name: string, work: () => Promise<void>): Promise<void> {
  const own = held.get(session) ?? new Set()
  held.set(session, own)
  while (own.has(name) || !(await lock(session, name))) await sleep(PAUSE_MS, session.over)
  own.add(name)
  try {
    await work()
  } finally {
    await session.scratch((channel) => channel.deleteQueue(name)).catch(() => {}) // it goes with its session
    own.delete(name)
  }
}

/** Whether the lock was free, or this session's already. */
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
