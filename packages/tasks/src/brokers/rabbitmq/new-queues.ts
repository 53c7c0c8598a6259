import { BackendUnavailableError, withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import { alone } from './alone.js'
import { hasExchange } from './has-exchange.js'
import type { RabbitSession } from './rabbit-link.js'

/** Queues that are declared together. */
export interface QueueSet {
  /** Names the set; begins with `plinth.`. */
  readonly name: string
  readonly queues: readonly string[]
  readonly declare: (channel: Channel) => Promise<unknown>
}

/** A queue that does not say for so long that it takes a consumer has no leader. */
const ANSWER_MS = 3000

/**
 * Declares quorum queues so that they outlive a kill of their server. Two exchanges beside them say that this was begun, and
 * that it was done.
 *
 * Nothing is published to a queue before: so where it was begun and not done, a queue that RabbitMQ 3.10 brought back
 * without a leader, having been killed while it declared it, is deleted and declared again, by one process at a time.
 *
 * @param isTrusted whether it is believed that it was done; not when a queue was missing that had been declared.
 */
export async function declareNewQueues(session: RabbitSession, set: QueueSet, isTrusted: boolean): Promise<void> {
  const [begun, settled] = [`${set.name}.begun`, `${set.name}.settled`]
  if (isTrusted && (await hasExchange(session, settled))) {
    await session.scratch(set.declare)
    return
  }
  await alone(session, `${set.name}.lock`, async () => {
    const isDone = await hasExchange(session, settled) // by somebody who had the lock before
    const wasBegun = await hasExchange(session, begun)
    if (!wasBegun) await session.scratch((channel) => channel.assertExchange(begun, 'fanout', { durable: true }))
    await session.scratch(set.declare)
    if (isDone && isTrusted) return
    if (wasBegun && !isDone) await requireLeaders(session, set.queues)
    await session.scratch(async (channel) => {
      await settle(channel, `${set.name}.settling`)
      await channel.assertExchange(settled, 'fanout', { durable: true })
    })
  })
}

/** Deletes the queues that have no leader. With them goes the session: the server ends a connection that asks one for messages. */
async function requireLeaders(session: RabbitSession, queues: readonly string[]): Promise<void> {
  const answers = await Promise.all(queues.map((queue) => hasLeader(session, queue)))
  const without = queues.filter((_, index) => answers[index] === false)
  if (without.length === 0) return
  await Promise.all(without.map((queue) => session.scratch((channel) => channel.deleteQueue(queue))))
  const text = `RabbitMQ came back with queues that have no leader; they are declared again: ${without.join(', ')}.`
  const error = new BackendUnavailableError(text, { reason: 'closed' })
  session.end(error)
  throw error
}

async function hasLeader(session: RabbitSession, queue: string): Promise<boolean> {
  const late = new BackendUnavailableError(`Queue ${queue} does not answer.`, { reason: 'deadline' })
  try {
    await session.scratch(async (channel) => {
      const consuming = channel.consume(queue, () => {}) // what it brings goes back with the channel
      const within = { deadlineMs: ANSWER_MS, signal: session.over, onDeadline: () => late }
      const { consumerTag } = await withDeadline(consuming, within)
      await channel.cancel(consumerTag)
    })
    return true
  } catch (error) {
    if (error === late) return false
    throw error
  }
}

/**
 * RabbitMQ keeps the list of its quorum queues in a table that is written to disk up to three seconds late, and when it is
 * killed before, a queue comes back empty, with confirmed messages lost (seen on 3.10). Deleting any quorum queue looks it
 * up in that table, and a look-up writes down what was not written yet.
 */
async function settle(channel: Channel, name: string): Promise<void> {
  await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.deleteQueue(name)
}
