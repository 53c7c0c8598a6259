import { withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import { asError } from '../../as-error.js'
import { LANES } from '../../lane.js'
import { sleep } from '../../sleep.js'
import { closeChannel } from './close-channel.js'
import { type Receipt, tagOf } from './held.js'
import { noAnswer } from './rabbit-errors.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'
import { laneQueue, type RabbitQueues, suspectsQueue } from './rabbit-queues.js'
import { type Persistence, surely } from './surely.js'

/** How long a server may take to stop delivering: what still comes after that is handed back. */
const CANCEL_MS = 2000

/** How long after a worker could not take from its queues it tries again. */
const ATTACH_AGAIN_MS = 1000

/** What an intake needs of its broker, and of the consumer it takes for. */
export interface RabbitIntakeHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly ledger: RabbitLedger
  readonly persistence: Persistence
  /** Told before a session is taken from: what the last one brought, and was not started, comes again. */
  readonly renewed: () => void
  /** Given every delivery, and whether it came from the queue of suspects. */
  readonly received: (receipt: Receipt, suspect: boolean) => void
  /** Told when what was received may be started. */
  readonly ready: () => void
}

/** Takes from the lanes of some queues, with every session anew. */
export class RabbitIntake {
  readonly #host: RabbitIntakeHost
  readonly #names: readonly string[]
  readonly #concurrency: number
  #off: (() => void) | undefined
  #taking = true
  #channel: Channel | undefined
  /** The last channel that was opened; it outlives {@link #channel} until what it brought is settled. */
  #opened: Channel | undefined
  /** Whether everything has been read that was written before this intake began to take. */
  #current = false

  /** At most `concurrency` deliveries of each lane are in hand at once. */
  constructor(host: RabbitIntakeHost, names: readonly string[], concurrency: number) {
    this.#host = host
    this.#names = names
    this.#concurrency = concurrency
  }

  /** Whether it was not stopped. */
  get taking(): boolean {
    return this.#taking
  }

  /** Whether what was received may be started: all is known then that was written about it before. */
  get startable(): boolean {
    return this.#taking && this.#current
  }

  /** Whether it takes from a queue right now. While a session catches up it does not: it reads questions of long ago. */
  isTakingFrom(queue: string): boolean {
    return this.#channel !== undefined && this.#host.link.available && this.#names.includes(queue)
  }

  /** Begins with the session that is there, and again with every later one. */
  start(): void {
    const { link } = this.#host
    this.#off = link.onChange(({ available }) => {
      if (available) void this.#attach()
    })
    link.start()
    if (link.available) void this.#attach()
  }

  /** Takes no more. What was received can still be settled. */
  async stop(): Promise<void> {
    this.#taking = false
    const channel = this.#channel
    this.#channel = undefined
    if (channel === undefined) return
    const queues = this.#names.flatMap((queue) => [
      ...LANES.map((lane) => laneQueue(queue, lane)),
      suspectsQueue(queue),
    ])
    const cancelled = Promise.allSettled(queues.map(async (name) => channel.cancel(tagOf(name))))
    await withDeadline(cancelled, { deadlineMs: CANCEL_MS, onDeadline: noAnswer }).catch(() => {}) // its session is over
  }

  /** Lets go of everything that has not been settled. */
  async close(): Promise<void> {
    this.#off?.()
    if (this.#opened !== undefined) await closeChannel(this.#opened)
  }

  async #attach(): Promise<void> {
    const { link, queues, ledger, persistence, renewed, ready } = this.#host
    const session = link.session
    if (session === undefined || !this.#taking) return
    this.#current = false
    renewed()
    try {
      for (const queue of this.#names) await queues.queue(session, queue)
      const channel = await session.channel()
      this.#opened = channel
      if (!this.#taking) {
        await closeChannel(channel)
        return
      }
      this.#channel = channel
      for (const queue of this.#names) {
        await channel.prefetch(this.#concurrency)
        for (const lane of LANES) await this.#consume(session, channel, laneQueue(queue, lane), false)
        await channel.prefetch(1)
        await this.#consume(session, channel, suspectsQueue(queue), true)
      }
      await surely(() => ledger.sync({}), persistence)
      if (this.#channel !== channel) return // a later session's, or stopped
      this.#current = true
      ready()
    } catch (error) {
      if (session.over.aborted || !this.#taking) return // the next session is attached to, if any
      persistence.onError(asError(error))
      await sleep(ATTACH_AGAIN_MS, session.over)
      if (!session.over.aborted) void this.#attach()
    }
  }

  async #consume(session: RabbitSession, channel: Channel, name: string, suspect: boolean): Promise<void> {
    const { received, persistence } = this.#host
    await channel.consume(
      name,
      (raw) => {
        if (raw !== null) received({ raw, channel, session }, suspect)
        else persistence.onError(new Error(`Queue ${name} was deleted while a worker consumed it.`))
      },
      { consumerTag: tagOf(name) },
    )
  }
}
