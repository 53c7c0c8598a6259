import { BackendUnavailableError, type Closable } from '@plinth/core'
import type { Channel, ConsumeMessage, Replies } from 'amqplib'
import type { Term } from '../../broker.js'
import { sleep } from '../../sleep.js'
import { closeChannel } from './close-channel.js'
import { declareNewQueues } from './new-queues.js'
import { patiently } from './patiently.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'

/** How long after standing has failed for good it is tried once more. */
const STAND_AGAIN_MS = 1000

interface Token {
  /** Counts up with every save; of two tokens the larger is the newer. */
  readonly n: number
  readonly state?: string
}

interface HeldToken {
  readonly raw: ConsumeMessage
  readonly token: Token
}

/**
 * One candidate for leading something among all processes of a RabbitMQ broker, without any other store.
 *
 * Leadership is the one message of a queue with a single active consumer: who holds it unacknowledged leads. To save is to
 * publish a newer message and let the older one go, so a leader that dies in between leaves both, and the newer counts.
 */
export class RabbitOffice implements Closable {
  readonly #link: RabbitLink
  readonly #queue: string
  readonly #lead: (term: Term) => Promise<void>
  readonly #off: () => void
  #leading: Promise<void> = Promise.resolve()
  #over: AbortController | undefined
  #channel: Channel | undefined
  #closed = false

  constructor(link: RabbitLink, name: string, lead: (term: Term) => Promise<void>) {
    this.#link = link
    this.#queue = `plinth.lead.v1.${name}`
    this.#lead = lead
    this.#off = link.onChange(({ available }) => {
      if (available) void this.#stand()
      else this.#over?.abort()
    })
    link.start()
    if (link.available) void this.#stand()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#off()
    this.#over?.abort()
    await this.#leading
    await this.#letGo()
  }

  async #letGo(): Promise<void> {
    const channel = this.#channel
    this.#channel = undefined
    if (channel !== undefined) await closeChannel(channel) // with it the token goes to the next
  }

  /** Stands for election in this session, and in the same session again when that fails. */
  async #stand(): Promise<void> {
    const { session } = this.#link
    while (session !== undefined && !session.over.aborted && !this.#closed) {
      try {
        await patiently(session, () => this.#standOnce(session))
        return
      } catch {
        await sleep(STAND_AGAIN_MS, session.over) // nobody else would lead in place of all who gave up
      }
    }
  }

  async #standOnce(session: RabbitSession): Promise<void> {
    await this.#declare(session)
    const channel = await session.channel((own) => this.#consume(session, own))
    this.#channel = channel
    if (this.#closed) await this.#letGo()
  }

  async #consume(session: RabbitSession, channel: Channel): Promise<void> {
    await channel.prefetch(2)
    let held: HeldToken | undefined
    let arrived: (() => void) | undefined
    let serving = false
    await channel.consume(this.#queue, (raw) => {
      if (raw === null) return
      const token = readToken(raw)
      const older = held !== undefined && held.token.n >= token.n ? { raw } : held
      if (older?.raw !== raw) held = { raw, token }
      if (older !== undefined && !session.over.aborted) channel.ack(older.raw)
      arrived?.()
      if (serving) return
      serving = true
      const current = (): Token => held?.token ?? token
      const onArrival = (wake: () => void): void => {
        arrived = wake
      }
      // A term of a lost session may take a while to end; the next begins after it.
      this.#leading = this.#leading.then(() => this.#serve(session, current, onArrival))
    })
  }

  async #serve(session: RabbitSession, current: () => Token, onArrival: (wake: () => void) => void): Promise<void> {
    while (!this.#closed && !session.over.aborted) {
      const over = new AbortController()
      this.#over = over
      const end = (): void => over.abort()
      session.over.addEventListener('abort', end, { once: true })
      const { state } = current()
      try {
        await this.#lead({
          signal: over.signal,
          state,
          save: (text) => this.#save(over.signal, current, onArrival, text),
        })
      } catch {
        // a term that failed is followed by another
      }
      session.over.removeEventListener('abort', end)
      over.abort()
      if (!this.#closed) await sleep(1000, session.over)
    }
    this.#over = undefined
  }

  async #save(
    over: AbortSignal,
    current: () => Token,
    onArrival: (wake: () => void) => void,
    state: string,
  ): Promise<void> {
    if (over.aborted)
      throw new BackendUnavailableError('Leadership was lost; nothing was saved.', { reason: 'refused' })
    const n = current().n + 1
    let stop = (): void => {}
    const settled = new Promise<void>((resolve) => {
      onArrival(() => {
        if (current().n >= n) resolve()
      })
      stop = resolve
      over.addEventListener('abort', stop, { once: true })
    })
    try {
      await this.#publish({ n, state })
      await settled
    } finally {
      over.removeEventListener('abort', stop) // a term has as many saves as slots
    }
    if (current().n < n)
      throw new BackendUnavailableError('Leadership was lost; nothing was saved.', { reason: 'refused' })
  }

  #publish(token: Token): Promise<void> {
    return this.#link.publish('', this.#queue, Buffer.from(JSON.stringify(token)), { deadlineMs: 5000 })
  }

  /** Declares the queue, and puts the first token in where there is none: one that somebody holds has its consumer. */
  async #declare(session: RabbitSession): Promise<void> {
    const declare = (channel: Channel): Promise<Replies.AssertQueue> =>
      channel.assertQueue(this.#queue, {
        durable: true,
        arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
      })
    await declareNewQueues(session, { name: this.#queue, queues: [this.#queue], declare }, true)
    const { messageCount, consumerCount } = await session.scratch(declare)
    if (messageCount === 0 && consumerCount === 0) await this.#publish({ n: 0 })
  }
}

function readToken({ content }: ConsumeMessage): Token {
  try {
    return JSON.parse(content.toString()) as Token
  } catch {
    return { n: -1 }
  }
}
