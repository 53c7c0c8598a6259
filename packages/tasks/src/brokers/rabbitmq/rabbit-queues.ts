import { LANES, type Lane } from '../../lane.js'
import { bindDelays, LADDER } from './delay-ladder.js'
import { declareNewQueues, type QueueSet } from './new-queues.js'
import { patiently } from './patiently.js'
import type { RabbitSession } from './rabbit-link.js'

/** The queue behind a lane. The version in the name changes with its arguments, which RabbitMQ never changes in place. */
export function laneQueue(queue: string, lane: Lane): string {
  return `plinth.v1.${queue}.${lane}`
}

/** The queue in which tasks that may have brought down a process wait to be run alone. */
export function suspectsQueue(queue: string): string {
  return `plinth.v1.${queue}.suspects`
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
    const name = laneQueue(queue, lane)
    await this.#once(session, `way ${name}`, () => session.scratch((channel) => bindDelays(channel, name)))
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
