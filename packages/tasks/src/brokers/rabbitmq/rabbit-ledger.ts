import { randomUUID } from 'node:crypto'
import type { CallOptions } from '@plinth/core'
import { BackendUnavailableError, withDeadline } from '@plinth/core'
import type { Channel } from 'amqplib'
import type { DeadLetter } from '../../dead-letter.js'
import type { TaskMessage } from '../../message.js'
import type { Settled } from '../../outcome.js'
import { patiently } from './patiently.js'
import type { RabbitLink, RabbitSession } from './rabbit-link.js'

/** What processes write down for each other, in one order that all of them read. */
export type LedgerEntry =
  | { readonly t: 'sync' }
  | {
      readonly t: 'claim'
      readonly id: string
      readonly at: number
      readonly request?: { readonly scope: string; readonly until: number }
      readonly unique?: string
      readonly known?: boolean
    }
  | { readonly t: 'stored'; readonly id: string }
  /** A suspect is about to run alone; answered by how often it has, this `start` included. */
  | { readonly t: 'solo'; readonly id: string; readonly start: string }
  /** That start, or without one every start, came to an end: the process did not die of it. */
  | { readonly t: 'unsolo'; readonly id: string; readonly start?: string }
  | { readonly t: 'release'; readonly id: string; readonly scopes: readonly string[] }
  | {
      readonly t: 'end'
      readonly id: string
      readonly at: number
      readonly settled: Settled
      readonly scopes?: readonly string[]
      readonly dead?: DeadEntry
    }
  | { readonly t: 'cancel'; readonly id: string; readonly reason?: string }
  /** The letter of that time is no dead letter any more; a later one of the same task is not meant. */
  | { readonly t: 'undead'; readonly id: string; readonly deadAt: number }
  | { readonly t: 'ask'; readonly id: string }
  | {
      readonly t: 'running'
      readonly id: string
      readonly attempt: number
      readonly task: string
      readonly queue: string
      readonly progress?: string
    }
  | { readonly t: 'memo'; readonly id: string; readonly key: string; readonly value: string }
  | { readonly t: 'set'; readonly key: string; readonly value?: string }

/** A dead letter, and the message that is put back when it is replayed. */
export interface DeadEntry {
  readonly letter: DeadLetter
  readonly message: TaskMessage
}

interface Line {
  /** Who wrote it, so that the writer knows its own lines when it reads them. */
  readonly n: string
  readonly entries: readonly LedgerEntry[]
}

const STREAM = 'plinth.ledger.v1'
const STREAM_ARGUMENTS = {
  'x-queue-type': 'stream',
  'x-max-age': '15D',
  'x-max-length-bytes': 500_000_000,
  'x-stream-max-segment-size-bytes': 10_000_000,
}

/**
 * What a RabbitMQ broker knows beside its queues: a stream that every process appends to and reads from its beginning, so
 * that all of them come to the same view, in the same order.
 *
 * Entries of one moment are written as one message. A stream is kept by all of its replicas; it is not synced to the disk
 * of each with every message.
 */
export class RabbitLedger {
  readonly #link: RabbitLink
  readonly #apply: (entry: LedgerEntry) => unknown
  readonly #self = randomUUID()
  readonly #waiting = new Map<string, (verdicts: readonly unknown[]) => void>()
  #offset = -1
  #lines = 0
  #batch: { readonly entries: LedgerEntry[]; readonly written: Promise<void> } | undefined

  constructor(link: RabbitLink, apply: (entry: LedgerEntry) => unknown) {
    this.#link = link
    this.#apply = apply
  }

  /** Declares the stream and begins to read it where reading had ended. */
  async attach(session: RabbitSession): Promise<void> {
    await patiently(session, async () => {
      await session.scratch((channel) => channel.assertQueue(STREAM, { durable: true, arguments: STREAM_ARGUMENTS }))
      await session.channel((channel) => this.#follow(channel))
    })
  }

  async #follow(channel: Channel): Promise<void> {
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

  /** Writes an entry down; resolves when it is stored. Entries of one moment share a message. */
  append(entry: LedgerEntry): Promise<void> {
    if (this.#batch !== undefined) {
      this.#batch.entries.push(entry)
      return this.#batch.written
    }
    const entries = [entry]
    const written = Promise.resolve().then(() => {
      this.#batch = undefined
      return this.#write(this.#nextName(), entries, {})
    })
    this.#batch = { entries, written }
    return written
  }

  /** Writes an entry down, and answers what it came to when it was read in its turn. */
  async decide<Verdict>(entry: LedgerEntry, options: CallOptions): Promise<Verdict> {
    const name = this.#nextName()
    const read = new Promise<readonly unknown[]>((resolve) => this.#waiting.set(name, resolve))
    try {
      await this.#write(name, [entry], options)
      const late = (): Error =>
        new BackendUnavailableError('RabbitMQ did not hand back an entry in time.', { reason: 'deadline' })
      const [verdict] = await withDeadline(read, { deadlineMs: 5000, ...options, onDeadline: late })
      return verdict as Verdict
    } finally {
      this.#waiting.delete(name)
    }
  }

  /** Resolves when everything that was written before now has been read. */
  async sync(options: CallOptions): Promise<void> {
    await this.decide({ t: 'sync' }, options)
  }

  #write(name: string, entries: readonly LedgerEntry[], options: CallOptions): Promise<void> {
    const line: Line = { n: name, entries }
    return this.#link.publish('', STREAM, Buffer.from(JSON.stringify(line)), {}, { deadlineMs: 5000, ...options })
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
    const verdicts = line.entries.map((entry) => this.#apply(entry))
    this.#waiting.get(line.n)?.(verdicts)
  }
}
