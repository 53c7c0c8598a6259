import type { Channel } from 'amqplib'
import type { LedgerEntry } from './ledger-entry.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'
import type { RabbitView, ViewRecord } from './rabbit-view.js'

/** A piece of a snapshot: the view as it was after the line at offset `asOf`. */
export interface Carried {
  readonly by: string
  readonly asOf: number
  readonly records: readonly ViewRecord[]
  readonly last: boolean
}

/** Which snapshot a new reader begins with. */
export type CarryMark = Pick<Carried, 'by' | 'asOf'>

/**
 * Declares the queue of one message in which the newest mark of a stream lies. Classic: some versions drop from a quorum queue
 * what was looked at often.
 */
export async function declareMark(channel: Channel, stream: string): Promise<void> {
  await channel.assertQueue(markOf(stream), {
    durable: true,
    arguments: { 'x-max-length': 1, 'x-overflow': 'drop-head' },
  })
}

/** So much is read by those who come later, at the most about twice, before the view is carried forward. */
const CARRY_AFTER_BYTES = 2_000_000
const CARRY_AFTER_LINES = 10_000
/** Who said it would carry the view has this long before somebody else may. */
const TERM_MS = 60_000
const PIECE_BYTES = 200_000

/** Looks at the newest mark of a stream, and leaves it there; `undefined` when there is none, or when another process looks right now. */
export function readMark(session: RabbitSession, stream: string): Promise<CarryMark | undefined> {
  return session.scratch(async (channel) => {
    for (let tries = 0; tries < 5; tries += 1) {
      const message = await channel.get(markOf(stream))
      if (message !== false) {
        channel.nack(message)
        return parseMark(message.content)
      }
      const { messageCount } = await channel.checkQueue(markOf(stream))
      if (messageCount > 0) continue
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return undefined
  })
}

/** What a carrier needs of the ledger of its process. */
export interface CarrierLedger {
  /** Names this process. */
  readonly self: string
  /** The stream it writes to now. */
  readonly stream: () => string
  /** Writes down that this process would carry the view. */
  readonly request: () => Promise<void>
  readonly write: (carried: Carried) => Promise<void>
}

/** Carries the view forward when much has been written since that was last done: one process at a time, whoever says so first. */
export class LedgerCarrier {
  readonly #link: RabbitLink
  readonly #view: RabbitView
  readonly #ledger: CarrierLedger
  #bytes = 0
  #lines = 0
  #term = Number.NEGATIVE_INFINITY
  #asked = false

  constructor(link: RabbitLink, view: RabbitView, ledger: CarrierLedger) {
    this.#link = link
    this.#view = view
    this.#ledger = ledger
  }

  /** A line was taken into the view. */
  passed(entries: readonly LedgerEntry[], bytes: number, offset: number): void {
    this.#bytes += bytes
    this.#lines += 1
    for (const entry of entries) {
      if (entry.t !== 'carry' || entry.at < this.#term + TERM_MS) continue
      this.#term = entry.at
      this.#bytes = 0
      this.#lines = 0
      if (entry.by === this.#ledger.self) void this.#carry(offset, [...this.#view.records()])
    }
    if (this.#asked || (this.#bytes < CARRY_AFTER_BYTES && this.#lines < CARRY_AFTER_LINES)) return
    this.#asked = true
    void this.#ledger
      .request()
      .catch(() => {}) // asked again with the next line
      .then(() => {
        this.#asked = false
      })
  }

  async #carry(asOf: number, records: readonly ViewRecord[]): Promise<void> {
    const by = this.#ledger.self
    const stream = this.#ledger.stream()
    try {
      let piece: ViewRecord[] = []
      let size = 0
      for (const record of records) {
        piece.push(record)
        size += JSON.stringify(record).length
        if (size < PIECE_BYTES) continue
        await this.#ledger.write({ by, asOf, records: piece, last: false })
        piece = []
        size = 0
      }
      await this.#ledger.write({ by, asOf, records: piece, last: true })
      const mark: CarryMark = { by, asOf }
      await this.#link.publish('', markOf(stream), Buffer.from(JSON.stringify(mark)), { deadlineMs: 5000 })
    } catch {
      // the broker is away: the earlier mark still holds, and the next one comes after as much again
    }
  }
}

function markOf(stream: string): string {
  return `${stream}.mark`
}

function parseMark(content: Buffer): CarryMark | undefined {
  try {
    const { by, asOf } = JSON.parse(content.toString()) as CarryMark
    return typeof by === 'string' && Number.isSafeInteger(asOf) ? { by, asOf } : undefined
  } catch {
    return undefined
  }
}
