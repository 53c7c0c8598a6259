import { randomUUID } from 'node:crypto'
import type { CallOptions } from '@plinth/core'
import { BackendUnavailableError, withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import { systemTaskClock } from '../../task-clock.js'
import { type Carried, type CarryMark, LedgerCarrier, markQueue, readMark } from './ledger-carrier.js'
import type { LedgerEntry } from './ledger-entry.js'
import { patiently } from './patiently.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'
import type { RabbitView, ViewRecord } from './rabbit-view.js'

interface Line {
  /** Who wrote it, so that the writer knows its own lines when it reads them. */
  readonly n: string
  readonly entries?: readonly LedgerEntry[]
  /** In place of entries: a piece of the view, for those who begin to read here. */
  readonly carried?: Carried
}

/** Reading begins at a snapshot: what it holds comes first, then the lines that were written meanwhile. */
interface Beginning {
  readonly mark: CarryMark
  readonly records: ViewRecord[]
  readonly lines: Line[]
}

const STREAM = 'plinth.ledger.v1'
const STREAM_ARGUMENTS = {
  'x-queue-type': 'stream',
  // Goes by whole segments, oldest first. The view is carried forward much more often than a segment is filled.
  'x-max-length-bytes': 500_000_000,
  'x-stream-max-segment-size-bytes': 20_000_000,
}

/** How long a session may take to read what it has missed. */
const CATCH_UP_MS = 60_000

/**
 * What a RabbitMQ broker knows beside its queues: a stream that every process appends to and reads, so that all of them
 * come to the same view, in the same order.
 *
 * Entries of one moment are written as one message. A stream is kept by all of its replicas; it is not synced to the disk
 * of each with every message. Now and then somebody carries the whole view forward, and who comes later begins there.
 */
export class RabbitLedger {
  readonly #link: RabbitLink
  readonly #view: RabbitView
  readonly #carrier: LedgerCarrier
  readonly #self = randomUUID()
  readonly #waiting = new Map<string, (verdicts: readonly unknown[]) => void>()
  #offset = -1
  #lines = 0
  #beginning: Beginning | undefined
  #batch: { readonly entries: LedgerEntry[]; readonly written: Promise<void> } | undefined

  constructor(link: RabbitLink, view: RabbitView) {
    this.#link = link
    this.#view = view
    this.#carrier = new LedgerCarrier(link, view, {
      self: this.#self,
      request: () => this.append({ t: 'carry', at: systemTaskClock.now(), by: this.#self }),
      write: (carried) => this.#write({ n: this.#nextName(), carried }, {}),
    })
  }

  /** Declares the stream, reads what was written up to now, and goes on reading. */
  async attach(session: RabbitSession): Promise<void> {
    await patiently(session, async () => {
      await session.scratch(async (channel) => {
        await channel.assertQueue(STREAM, { durable: true, arguments: STREAM_ARGUMENTS })
        await channel.assertQueue(...markQueue)
      })
      const mark = this.#offset < 0 ? await readMark(session) : undefined
      await session.channel((channel) => this.#follow(channel, mark))
    })
    await this.#catchUp(session)
    if (this.#beginning === undefined) return
    // Its snapshot is not there any more: everything that is there is read instead.
    this.#offset = -1
    await session.channel((channel) => this.#follow(channel, undefined))
    await this.#catchUp(session)
  }

  /** Writes an entry down; resolves when it is stored. Entries of one moment share a message. */
  append(entry: LedgerEntry): Promise<void> {
    if (this.#batch !== undefined) {
      this.#batch.entries.push(entry)
      return this.#batch.written
    }
    const entries = [entry]
    const written = Promise.resolve().then(() => {
      this.#batch = undefined
      return this.#write({ n: this.#nextName(), entries }, {})
    })
    this.#batch = { entries, written }
    return written
  }

  /** Writes an entry down, and answers what it came to when it was read in its turn. */
  decide<Verdict>(entry: LedgerEntry, options: CallOptions): Promise<Verdict> {
    return this.#written(entry, { deadlineMs: 5000, ...options }, (line) => this.#write(line, options))
  }

  /** Resolves when everything that was written before now has been read. */
  async sync(options: CallOptions): Promise<void> {
    await this.decide({ t: 'sync' }, options)
  }

  async #follow(channel: Channel, mark: CarryMark | undefined): Promise<void> {
    this.#beginning = mark === undefined ? undefined : { mark, records: [], lines: [] }
    if (mark !== undefined) this.#offset = mark.asOf
    await channel.prefetch(500)
    await channel.consume(
      STREAM,
      (message) => {
        if (message === null) return
        channel.ack(message)
        const offset = Number(message.properties.headers?.['x-stream-offset'] ?? 0)
        if (offset <= this.#offset) return
        this.#offset = offset
        this.#read(message.content)
      },
      { arguments: { 'x-stream-offset': this.#offset < 0 ? 'first' : this.#offset + 1 } },
    )
  }

  /** A view that lags behind would start what was cancelled: nothing is taken before it has caught up. */
  async #catchUp(session: RabbitSession): Promise<void> {
    const write = (line: Line): Promise<void> =>
      new Promise((resolve, reject) => {
        session.publishing.publish('', STREAM, encode(line), { persistent: true }, (error: unknown) =>
          error === null || error === undefined ? resolve() : reject(error),
        )
      })
    await this.#written({ t: 'sync' }, { deadlineMs: CATCH_UP_MS, signal: session.over }, write)
  }

  async #written<Verdict>(
    entry: LedgerEntry,
    options: CallOptions,
    write: (line: Line) => Promise<void>,
  ): Promise<Verdict> {
    const name = this.#nextName()
    const read = new Promise<readonly unknown[]>((resolve) => this.#waiting.set(name, resolve))
    try {
      await write({ n: name, entries: [entry] })
      const late = (): Error =>
        new BackendUnavailableError('RabbitMQ did not hand back an entry in time.', { reason: 'deadline' })
      const [verdict] = await withDeadline(read, { ...options, onDeadline: late })
      return verdict as Verdict
    } finally {
      this.#waiting.delete(name)
    }
  }

  #write(line: Line, options: CallOptions): Promise<void> {
    return this.#link.publish('', STREAM, encode(line), { deadlineMs: 5000, ...options })
  }

  #nextName(): string {
    this.#lines += 1
    return `${this.#self}:${this.#lines}`
  }

  #read(content: Buffer): void {
    let line: Line
    try {
      line = JSON.parse(content.toString()) as Line
    } catch {
      return // somebody else's
    }
    if (line.carried !== undefined) this.#begin(line.carried)
    else if (this.#beginning === undefined) this.#take(line, content.length)
    else {
      this.#beginning.lines.push(line)
      this.#waiting.get(line.n)?.([]) // only its own catching up is awaited now
    }
  }

  #take(line: Line, bytes: number): void {
    if (!Array.isArray(line.entries)) return
    const verdicts = line.entries.map((entry) => this.#view.apply(entry))
    this.#carrier.passed(line.entries, bytes, this.#offset)
    this.#waiting.get(line.n)?.(verdicts)
  }

  #begin(carried: Carried): void {
    const beginning = this.#beginning
    if (beginning === undefined || carried.by !== beginning.mark.by || carried.asOf !== beginning.mark.asOf) return
    beginning.records.push(...carried.records)
    if (!carried.last) return
    this.#beginning = undefined
    for (const record of beginning.records) this.#view.restore(record)
    for (const line of beginning.lines) this.#take(line, 0)
  }
}

function encode(line: Line): Buffer {
  return Buffer.from(JSON.stringify(line))
}
