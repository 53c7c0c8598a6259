import type { Channel } from 'amqplib'
import type { QueueSet } from './new-queues.js'

/** The smallest step of a delay. */
const UNIT_MS = 100
/** Levels of the ladder: delays up to 29 hours in one go; longer ones go in again. */
const LEVELS = 20
const DELIVER = 'plinth.delay.v1.deliver'

/** The longest delay that one trip takes. */
export const LONGEST_TRIP_MS: number = UNIT_MS * (2 ** LEVELS - 1)

function level(index: number): string {
  return `plinth.delay.v1.${index}`
}

/** Where a delayed message enters the ladder, and the key that leads it: the delay in units, as bits, highest first. */
export function delayRoute(name: string, delayMs: number): { readonly exchange: string; readonly key: string } {
  const units = Math.min(2 ** LEVELS - 1, Math.max(1, Math.ceil(delayMs / UNIT_MS)))
  const bits = units.toString(2).padStart(LEVELS, '0')
  const highest = LEVELS - 1 - bits.indexOf('1')
  return { exchange: level(highest), key: `${bits.split('').join('.')}.${destination(name)}` }
}

/** Leads what comes out of the ladder for a queue to it. */
export async function bindDelays(channel: Channel, name: string): Promise<void> {
  await channel.bindQueue(name, DELIVER, `${'*.'.repeat(LEVELS)}${destination(name)}`)
}

/**
 * The queues of all delays: a ladder of levels, each of which holds a message for twice as long as the one below, or passes
 * it on at once: a bit of the routing key decides. (The delay infrastructure of NServiceBus works this way.)
 */
export const LADDER: QueueSet = {
  name: 'plinth.delay.v1',
  queues: Array.from({ length: LEVELS }, (_, index) => level(index)),
  declare: declareLadder,
}

async function declareLadder(channel: Channel): Promise<void> {
  await channel.assertExchange(DELIVER, 'topic', { durable: true })
  for (let index = 0; index < LEVELS; index += 1) await channel.assertExchange(level(index), 'topic', { durable: true })
  for (let index = 0; index < LEVELS; index += 1) {
    const next = index === 0 ? DELIVER : level(index - 1)
    const before = '*.'.repeat(LEVELS - 1 - index)
    await channel.assertQueue(level(index), {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-message-ttl': UNIT_MS * 2 ** index,
        'x-dead-letter-exchange': next,
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
      },
    })
    await channel.bindQueue(level(index), level(index), `${before}1.#`)
    await channel.bindExchange(next, level(index), `${before}0.#`)
  }
}

/** A queue's name as one word of a routing key. */
function destination(name: string): string {
  return name.replaceAll('.', '/')
}
