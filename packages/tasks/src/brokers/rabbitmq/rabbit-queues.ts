import type { Channel } from 'amqplib'
import { LANES, type Lane } from '../../lane.js'
import { declareNewQueues, type QueueSet } from './new-queues.js'
import { patiently } from './patiently.js'
import type { RabbitSession } from './rabbit-link.js'

/** The smallest step of a delay. */
const UNIT_MS = 100
/** Levels of the ladder: delays up to 29 hours in one go; longer ones go in again. */
const LEVELS = 20
const DELIVER = 'plinth.delay.v1.deliver'

/** The longest delay that one trip takes. */
export const LONGEST_TRIP_MS: number = UNIT_MS * (2 ** LEVELS - 1)

/** The queue behind a lane. The version in the name changes with its arguments, which RabbitMQ never changes in place. */
export function laneQueue(queue: string, lane: Lane): string {
  return `plinth.v1.${queue}.${lane}`
}

/** The queue in which tasks that may have brought down a process wait to be run alone. */
export function suspectsQueue(queue: string): string {
  return `plinth.v1.${queue}.suspects`
}

function level(index: number): string {
  return `plinth.delay.v1.${index}`
}

/** The queues of one queue name. */
function lanesOf(queue: string): QueueSet {
  const queues = [...LANES.map((lane) => laneQueue(queue, lane)), suspectsQueue(queue)]
  return {
    name: `plinth.v1.${queue}`,
    queues,
    declare: async (channel) => {
      for (const name of queues) {
        await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
      }
    },
  }
}

/** Declares what a broker needs, once for each session. */
export class RabbitQueues {
  readonly #ready = new WeakMap<RabbitSession, Set<string>>()
  readonly #declared = new WeakMap<RabbitSession, Map<string, Promise<void>>>()
  /** Sessions in which a queue was missing that had been declared: some may be new again. */
  readonly #deleted = new WeakSet<RabbitSession>()

  /** Whether the queues of one queue name have been declared. */
  has(session: RabbitSession, queue: string): boolean {
    return this.#ready.get(session)?.has(queue) === true
  }

  /** The queues of one queue name. */
  queue(session: RabbitSession, queue: string): Promise<void> {
    return this.#once(session, `queue ${queue}`, async () => {
      await this.#declare(session, lanesOf(queue))
      const ready = this.#ready.get(session) ?? new Set()
      this.#ready.set(session, ready.add(queue))
    })
  }

  /** The ladder, and the way from its end to one lane. */
  async delayed(session: RabbitSession, queue: string, lane: Lane): Promise<void> {
    await this.queue(session, queue)
    await this.#once(session, 'ladder', () => this.#declare(session, LADDER))
    await this.#once(session, `way ${queue} ${lane}`, () => {
      const name = laneQueue(queue, lane)
      const way = `${'*.'.repeat(LEVELS)}${destination(name)}`
      return session.scratch(async (channel) => void (await channel.bindQueue(name, DELIVER, way)))
    })
  }

  /** Has everything declared again when it is next asked for. */
  forget(session: RabbitSession): void {
    this.#declared.delete(session)
    this.#ready.delete(session)
    this.#deleted.add(session)
  }

  #declare(session: RabbitSession, set: QueueSet): Promise<void> {
    return declareNewQueues(session, set, !this.#deleted.has(session))
  }

  #once(session: RabbitSession, what: string, declare: () => Promise<void>): Promise<void> {
    let known = this.#declared.get(session)
    if (known === undefined) {
      known = new Map()
      this.#declared.set(session, known)
    }
    let declared = known.get(what)
    if (declared === undefined) {
      declared = patiently(session, declare)
      const own = known
      declared.catch(() => own.delete(what)) // asked again by the next call
      known.set(what, declared)
    }
    return declared
  }
}

/** Where a delayed message enters the ladder, and the key that leads it: the delay in units, as bits, highest first. */
export function delayRoute(name: string, delayMs: number): { readonly exchange: string; readonly key: string } {
  const units = Math.min(2 ** LEVELS - 1, Math.max(1, Math.ceil(delayMs / UNIT_MS)))
  const bits = units.toString(2).padStart(LEVELS, '0')
  const highest = LEVELS - 1 - bits.indexOf('1')
  return { exchange: level(highest), key: `${bits.split('').join('.')}.${destination(name)}` }
}

/**
 * The queues of the delays: a ladder of levels, each of which holds a message for twice as long as the one below, or passes it on at once: a bit of
 * the routing key decides. (The delay infrastructure of NServiceBus works this way.)
 */
const LADDER: QueueSet = {
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
