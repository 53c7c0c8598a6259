import type { Ending, Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { spendsAttempt } from '../../spends-attempt.js'
import { systemTaskClock } from '../../task-clock.js'
import { acknowledge, type Held, putBack, type Receipt } from './held.js'
import { endOf, endOfUnreadable } from './ledger-end.js'
import type { Envelope } from './rabbit-codec.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import { type Persistence, surely } from './surely.js'

/** How long a message is kept whose outcome the broker refuses, before it goes back to its queue. */
const GIVE_BACK_MS = 1000

/** What settling deliveries needs of the broker, and of the consumer whose they are. */
export interface RabbitOutcomesHost {
  readonly ledger: RabbitLedger
  /** Stores a message in its lane, `delayMs` from now. */
  readonly store: (envelope: Envelope, delayMs: number) => Promise<void>
  /** Stores a message in the queue of those that are run alone. */
  readonly suspect: (envelope: Envelope) => Promise<void>
  readonly persistence: Persistence
  /** Told that RabbitMQ no longer waits for a delivery, and may send another in its place. */
  readonly acknowledged: (receipt: Receipt) => void
}

/** Makes durable what becomes of deliveries, however long the broker is away, and only then acknowledges them. */
export class RabbitOutcomes {
  readonly #host: RabbitOutcomesHost
  /** Tasks that have ended here, until their end is read in the ledger: a second copy may be at hand already. */
  readonly #ended = new Set<string>()
  #settling = 0

  constructor(host: RabbitOutcomesHost) {
    this.#host = host
  }

  /** How many deliveries are being settled. */
  get settling(): number {
    return this.#settling
  }

  /** Whether a task has ended here whose end has not been read yet. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id)
  }

  /** The end of a task was read: from now on the ledger tells of it. */
  endWasRead(id: string): void {
    this.#ended.delete(id)
  }

  /** A new session reads the ends again. */
  forgetEnds(): void {
    this.#ended.clear()
  }

  async settle(held: Held, outcome: Outcome): Promise<void> {
    this.#settling += 1
    const { envelope } = held
    const made = envelope.made + (spendsAttempt(outcome) ? 1 : 0)
    const next = { ...envelope, made, turn: envelope.turn + 1 }
    const { persistence } = this.#host
    const isStored = await surely(() => this.#store(held, next, outcome), persistence)
    if (isStored) this.acknowledge(held)
    else if (!persistence.down.aborted) await this.giveBack(held)
    this.#settling -= 1
  }

  /** A message that a process may have died with goes to a queue of its own, in which every start is counted. */
  async setAside(held: Held): Promise<void> {
    const { suspect, persistence } = this.#host
    if (await surely(() => suspect(held.envelope), persistence)) this.acknowledge(held)
    else await this.giveBack(held)
  }

  /** A message that nobody can read is a dead letter. */
  async bury(receipt: Receipt): Promise<void> {
    const { ledger, persistence } = this.#host
    const end = endOfUnreadable(receipt.raw, systemTaskClock.now())
    if (await surely(() => ledger.append(end), persistence)) this.acknowledge(receipt)
    else await this.giveBack(receipt)
  }

  /** What became of a message is stored, or it needs nothing: it is dealt with. */
  acknowledge(receipt: Receipt): void {
    if (acknowledge(receipt)) this.#host.acknowledged(receipt)
  }

  /** What became of a message cannot be stored: it goes back to its queue, and comes again. */
  async giveBack(held: Receipt & Partial<Pick<Held, 'envelope' | 'start'>>): Promise<void> {
    const { envelope, start } = held
    const { ledger, persistence, acknowledged } = this.#host
    await sleep(GIVE_BACK_MS, persistence.down)
    if (envelope !== undefined) {
      const { id } = envelope.message
      this.#ended.delete(id)
      if (start !== undefined) ledger.append({ t: 'unsolo', id, start }).catch(() => {}) // it counts as a start, then
    }
    if (putBack(held)) acknowledged(held)
  }

  async #store(held: Held, envelope: Envelope, outcome: Outcome): Promise<void> {
    const { message } = envelope
    const { start } = held
    const { ledger, store, suspect } = this.#host
    switch (outcome.kind) {
      case 'completed': {
        const quiet = message.keepResultMs === 0 && message.dedupe === undefined
        return quiet ? undefined : this.#end(envelope, outcome)
      }
      case 'dead':
      case 'cancelled':
        return this.#end(envelope, outcome)
      case 'later': {
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id })
        const parked = outcome.parkedAt === undefined ? message : { ...message, parkedAt: outcome.parkedAt }
        return store({ ...envelope, message: parked }, outcome.delayMs)
      }
      case 'retry':
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id })
        return store(envelope, outcome.delayMs)
      default:
        if (start !== undefined) await ledger.append({ t: 'unsolo', id: message.id, start })
        return held.suspect ? suspect(envelope) : store(envelope, 0)
    }
  }

  #end(envelope: Envelope, outcome: Ending): Promise<void> {
    this.#ended.add(envelope.message.id)
    return this.#host.ledger.append(endOf(envelope, outcome, systemTaskClock.now()))
  }
}
