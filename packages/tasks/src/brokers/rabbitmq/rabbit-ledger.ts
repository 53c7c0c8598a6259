import { randomUUID } from 'node:crypto'
import type { CallOptions } from '@plinth/core'
import { BackendUnavailableError, withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { type Carried, type CarryMark, declareMark, LedgerCarrier, readMark } from './ledger-carrier.js'
import type { LedgerEntry } from './ledger-entry.js'
import { agree, readFate, streamName } from './ledger-fate.js'
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

const STREAM_ARGUMENTS = {
  'x-queue-type': 'stream',
  // Goes by whole segments, oldest first. The view is carried forward much more often than a segment is filled.
  'x-max-length-bytes': 500_000_000,
  'x-stream-max-segment-size-bytes': 20_000_000,
}

/** How long a session may take to read what it has missed. */
const CATCH_UP_MS = 60_000

/**
 * A stream is relied on when it is this old. That there are streams at all is written in a table that RabbitMQ 3.10 writes to
 * disk a second late: killed before, it neither finds its first stream again nor can it delete it (seen up to 1.1 s).
 */
const SETTLE_MS = 2500

/** What is said for the moment only: nothing depends on its being there later. */
const PASSING: ReadonlySet<LedgerEntry['t']> = new Set(['sync', 'carry', 'ask', 'heard', 'running'])

/**
 * What a RabbitMQ broker knows beside its queues: a stream that every process appends to and reads, so that all of them
 * come to the same view, in the same order.
 *
 * Entries of one moment are written as one message. A stream is kept by all of its replicas; it is not synced to the disk
 * of each with every message. Now and then somebody carries the whole view forward, and who comes later begins there.
 *
 * Until a new stream is relied on, nothing that is written into it counts as stored. When its server is killed before, it
 * may be lost: then all processes agree on that, forget it, and begin with the stream of the next generation.
 */
export class RabbitLedger {
  readonly #link: RabbitLink
  readonly #view: RabbitView
  readonly #carrier: LedgerCarrier
  readonly #self = randomUUID()
  readonly #waiting = new Map<string, (verdicts: readonly unknown[]) => void>()
  #generation = 0
  /** Whether the stream of this generation is relied on. */
  #kept = false
  /** Resolves when it is, while this session lasts. */
  #settling: Promise<void> = Promise.resolve()
  #offset = -1
  #lines = 0
  #beginning: Beginning | undefined
  #batch: { readonly entries: LedgerEntry[]; readonly written: Promise<void> } | undefined

  constructor(link: RabbitLink, view: RabbitView) {
    this.#link = link
    this.#view = view
    this.#carrier = new LedgerCarrier(link, view, {
      self: this.#self,
      stream: () => this.#stream,
      request: () => this.append({ t: 'carry', at: systemTaskClock.now(), by: this.#self }),
      write: (carried) => this.#write({ n: this.#nextName(), carried }, {}),
    })
  }

  get #stream(): string {
    return streamName(this.#generation)
  }

  /** Finds or declares the stream, reads what was written up to now, and goes on reading. */
  async attach(session: RabbitSession): Promise<void> {
    for (;;) {
      const fate = this.#kept ? 'kept' : await readFate(session, this.#generation)
      try {
        if (fate !== 'lost') {
          await this.#readUp(session)
          this.#kept = fate === 'kept'
          if (!this.#kept) this.#settle(session)
          return
        }
      } catch (error) {
        // One that is relied on is waited for, however long that takes.
        if (fate === 'kept' || session.over.aborted || !isLost(error)) throw error
        if ((await agree(session, this.#generation, 'lost')) === 'kept') throw error
      }
      this.#generation += 1
      this.#offset = -1
      this.#beginning = undefined
      this.#view.forget()
    }
  }

  async #readUp(session: RabbitSession): Promise<void> {
    await patiently(session, async () => {
      await session.scratch(async (channel) => {
        await channel.assertQueue(this.#stream, { durable: true, arguments: STREAM_ARGUMENTS })
        await declareMark(channel, this.#stream)
      })
      const mark = this.#offset < 0 ? await readMark(session, this.#stream) : undefined
      await session.channel((channel) => this.#follow(channel, mark))
    })
    await this.#catchUp(session)
    if (this.#beginning === undefined) return
    // Its snapshot is not there any more: everything that is there is read instead.
    this.#offset = -1
    await session.channel((channel) => this.#follow(channel, undefined))
    await this.#catchUp(session)
  }

  /** Has everybody rely on the stream once it is old enough. */
  #settle(session: RabbitSession): void {
    this.#settling = (async () => {
      await sleep(SETTLE_MS, session.over)
      try {
        if (!session.over.aborted && (await agree(session, this.#generation, 'kept')) === 'kept') {
          this.#kept = true
          return
        }
      } catch (error) {
        session.end(error)
      }
      const text =
        'The new stream of RabbitMQ was lost before it was relied on; what was written into it is not stored.'
      const error = new BackendUnavailableError(text, { reason: 'closed' })
      session.end(error)
      throw error
    })()
    this.#settling.catch(() => {}) // those who wait for it are told
  }

  /** Writes an entry down; resolves when it is stored. Entries of one moment share a message. */
  append(entry: LedgerEntry): Promise<void> {
    const written = this.#join(entry)
    return this.#kept || PASSING.has(entry.t) ? written : this.#stored(written)
  }

  /** Writes an entry down, and answers what it came to when it was read in its turn. */
  async decide<Verdict>(entry: LedgerEntry, options: CallOptions): Promise<Verdict> {
    const end = systemTaskClock.elapsed() + (options.deadlineMs ?? 5000)
    if (!PASSING.has(entry.t)) await this.reliable(options)
    const left = { ...options, deadlineMs: Math.max(1, end - systemTaskClock.elapsed()) }
    return this.#written(entry, left, (line) => this.#write(line, left))
  }

  /** Resolves once what is written down counts as stored at once: always, but for the first moments of a new stream. */
  async reliable(options: CallOptions): Promise<void> {
    if (this.#kept) return
    await this.#link.use(options)
    if (this.#kept) return
    const onDeadline = (): Error =>
      new BackendUnavailableError('The stream of RabbitMQ is too new to be relied on.', { reason: 'deadline' })
    await withDeadline(this.#settling, { deadlineMs: 5000, ...options, onDeadline })
  }

  /** Resolves when everything that was written before now has been read. */
  async sync(options: CallOptions): Promise<void> {
    await this.decide({ t: 'sync' }, options)
  }

  /** Adds an entry to those of this moment. */
  #join(entry: LedgerEntry): Promise<void> {
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

  /** What was written counts once its stream is relied on. */
  async #stored(writing: Promise<void>): Promise<void> {
    const generation = this.#generation
    await writing
    if (!this.#kept) await this.#settling
    if (generation === this.#generation) return
    throw new BackendUnavailableError('What was written was lost with a new stream of RabbitMQ.', { reason: 'closed' })
  }

  async #follow(channel: Channel, mark: CarryMark | undefined): Promise<void> {
    this.#beginning = mark === undefined ? undefined : { mark, records: [], lines: [] }
    if (mark !== undefined) this.#offset = mark.asOf
    const generation = this.#generation
    await channel.prefetch(500)
    await channel.consume(
      this.#stream,
      (message) => {
        if (message === null || generation !== this.#generation) return
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
        session.publishing.publish('', this.#stream, encode(line), { persistent: true }, (error: unknown) =>
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
    return this.#link.publish('', this.#stream, encode(line), { deadlineMs: 5000, ...options })
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

/** Whether a stream that was declared cannot be found, read or written to; it was tried for a while. */
function isLost(error: unknown): boolean {
  if (!(error instanceof BackendUnavailableError)) return false
  return error.reason === 'deadline' || /home node|does not have a replica/i.test(error.message)
}

function encode(line: Line): Buffer {
  return Buffer.from(JSON.stringify(line))
}
