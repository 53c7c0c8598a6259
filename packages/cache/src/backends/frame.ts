import type { Lifetime, NewEntry, StoredEntry } from '../cache-backend.js'

/**
 * How an entry, or the lease on a key that has none, is written as bytes; the same on Redis, Cluster and Memcached.
 *
 * Header first, so that a part of the value can be read without the rest. All numbers are big-endian.
 *
 * | bytes | |
 * |---|---|
 * | 0-23 | `P`, version 1, state (1: entry, 0: lease only), 0, format (2), 0 (2), length of names (4), length of head (4), cost in ms (4), 0 (4) |
 * | 24-39 | the store's time when its computation began: 16 digits |
 * | 40-71 | stored at, fresh until, stale until, grace until: milliseconds of the server's clock, doubles |
 * | 72-95 | lease: token (12), until (double), whether somebody waits (1), 0 (3) |
 * | 96- | names of guards, one a line; head; body |
 */
export const FRAME = {
  magic: 0x50,
  version: 1,
  size: 96,
  begun: 24,
  times: 40,
  token: 72,
  until: 84,
  waiters: 92,
} as const

/** A lease that nobody holds. */
export const NO_LEASE: Buffer = Buffer.alloc(24)

/** What a store's time looks like: 16 digits, so that texts compare as numbers do. */
export function storeTime(microseconds: number): string {
  return String(Math.floor(microseconds)).padStart(16, '0')
}

/** One frame as it was found. */
export class Frame {
  readonly bytes: Buffer
  readonly isEntry: boolean

  private constructor(bytes: Buffer) {
    this.bytes = bytes
    this.isEntry = bytes[2] === 1
  }

  /** Reads a frame; `undefined` for anything else, whatever its bytes. */
  static parse(bytes: Buffer): Frame | undefined {
    if (bytes.length < FRAME.size || bytes[0] !== FRAME.magic || bytes[1] !== FRAME.version) return undefined
    const frame = new Frame(bytes)
    return frame.bodyAt <= bytes.length ? frame : undefined
  }

  get format(): number {
    return this.bytes.readUInt16BE(4)
  }

  get headAt(): number {
    return FRAME.size + this.bytes.readUInt32BE(8)
  }

  get bodyAt(): number {
    return this.headAt + this.bytes.readUInt32BE(12)
  }

  /** The store's time when its computation began. */
  get begun(): string {
    return this.bytes.toString('latin1', FRAME.begun, FRAME.times)
  }

  get token(): string {
    return this.bytes.toString('latin1', FRAME.token, FRAME.until)
  }

  get guards(): readonly string[] {
    const names = this.bytes.toString('latin1', FRAME.size, this.headAt)
    return names === '' ? [] : names.split('\n')
  }

  get body(): Buffer {
    return this.bytes.subarray(this.bodyAt)
  }

  /** Whether it may still be answered in some case. */
  usable(now: number): boolean {
    const { bytes } = this
    return this.isEntry && now < Math.max(bytes.readDoubleBE(56), bytes.readDoubleBE(64))
  }

  fresh(now: number): boolean {
    return this.isEntry && now < this.bytes.readDoubleBE(48)
  }

  /** Whether somebody holds a lease on it. */
  leased(now: number): boolean {
    return this.bytes[FRAME.token] !== 0 && now < this.bytes.readDoubleBE(FRAME.until)
  }
}

/** Reads the entry in a frame, as it stands at `now` of the server's clock; `undefined` for anything else. */
export function entryIn(bytes: Buffer, now: number, part: 'all' | 'head' = 'all'): StoredEntry | undefined {
  const frame = Frame.parse(bytes)
  return frame?.isEntry === true ? new FrameEntry(frame, now, part) : undefined
}

/** Reads what is asked for and no more: most readers want the body and whether it is fresh. */
class FrameEntry implements StoredEntry {
  readonly #frame: Frame
  readonly #now: number
  readonly #part: 'all' | 'head'

  constructor(frame: Frame, now: number, part: 'all' | 'head') {
    this.#frame = frame
    this.#now = now
    this.#part = part
  }

  get head(): Buffer | undefined {
    const { bytes, headAt, bodyAt } = this.#frame
    return headAt === bodyAt ? undefined : bytes.subarray(headAt, bodyAt)
  }

  get body(): Buffer | undefined {
    return this.#part === 'head' ? undefined : this.#frame.body
  }

  get format(): number {
    return this.#frame.format
  }

  get ageMs(): number {
    return this.#now - this.#frame.bytes.readDoubleBE(40)
  }

  get freshForMs(): number {
    return this.#frame.bytes.readDoubleBE(48) - this.#now
  }

  get staleForMs(): number {
    return this.#frame.bytes.readDoubleBE(56) - this.#now
  }

  get graceForMs(): number {
    return this.#frame.bytes.readDoubleBE(64) - this.#now
  }

  get costMs(): number {
    return this.#frame.bytes.readUInt32BE(16)
  }

  get guards(): readonly string[] {
    return this.#frame.guards
  }
}

/** The first 24 bytes of an entry's frame. */
export function frameStart(entry: NewEntry, names: string): Buffer {
  const start = Buffer.alloc(FRAME.begun)
  start.writeUInt8(FRAME.magic, 0)
  start.writeUInt8(FRAME.version, 1)
  start.writeUInt8(1, 2)
  start.writeUInt16BE(entry.format, 4)
  start.writeUInt32BE(names.length, 8)
  start.writeUInt32BE(entry.head?.byteLength ?? 0, 12)
  start.writeUInt32BE(Math.min(0xffff_ffff, Math.round(entry.costMs)), 16)
  return start
}

/** What follows the header: names, head, body. */
export function frameTail(entry: NewEntry, names: string): Buffer {
  const parts = [Buffer.from(names, 'latin1'), entry.head ?? NOTHING, entry.body as Uint8Array]
  return Buffer.concat(parts)
}

/** How long a store must keep an entry. */
export function physicalMs({ freshMs, staleMs, graceMs }: Lifetime): number {
  return Math.ceil(Math.max(freshMs, staleMs, graceMs))
}

const NOTHING = new Uint8Array()
