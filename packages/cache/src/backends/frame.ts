import type { Lifetime, NewEntry, StoredEntry } from '../cache-backend.js'

/**
 * How an entry, or the lease on a key that has none, is written as bytes; the same on Redis, Cluster and Memcached.
 *
 * Header first, so that a part of the value can be read without the rest. All numbers are big-endian.
 *
 * | bytes | |
 * |---|---|
 * | 0-23 | `P`, version 1, state (1: entry, 0: lease only), 0, format (2), 0 (2), length of names (4), length of head (4), cost in ms (4), chance (4) |
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
    const { names } = this
    return names === '' ? [] : names.split('\n')
  }

  get body(): Buffer {
    return this.bytes.subarray(this.bodyAt)
  }

  /** The names of its guards, one a line. */
  get names(): string {
    return this.bytes.toString('latin1', FRAME.size, this.headAt)
  }

  /** Whether it may still be answered in some case. */
  usable(now: number): boolean {
    const { bytes } = this
    return this.isEntry && now < Math.max(bytes.readDoubleBE(56), bytes.readDoubleBE(64))
  }

  fresh(now: number): boolean {
    return this.isEntry && now < this.bytes.readDoubleBE(48)
  }

  /** How long a store must go on keeping it. */
  keepMs(now: number): number {
    const { bytes } = this
    return Math.ceil(
      Math.max(1, bytes.readDoubleBE(48) - now, bytes.readDoubleBE(56) - now, bytes.readDoubleBE(64) - now),
    )
  }

  /** Whether somebody holds a lease on it. */
  leased(now: number): boolean {
    return this.bytes[FRAME.token] !== 0 && now < this.bytes.readDoubleBE(FRAME.until)
  }
}

/** Whether bytes of which at least the header is known hold an entry, or something foreign in its place; not only a lease. */
export function holdsEntry(header: Buffer): boolean {
  return header[0] !== FRAME.magic || header[1] !== FRAME.version || header[2] === 1
}

/** Reads the entry in a frame, as it stands at `now` of the server's clock; `undefined` for anything else. */
export function entryIn(bytes: Buffer, now: number, part: 'all' | 'head' = 'all'): StoredEntry | undefined {
  const frame = Frame.parse(bytes)
  return frame?.isEntry === true ? new FrameEntry(frame, now, part) : undefined
}

/** The entry of a frame that holds one, as it stands at `now` of the server's clock. */
export function frameEntry(frame: Frame, now: number): StoredEntry {
  return new FrameEntry(frame, now, 'all')
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
  // No two frames of a key are alike, so that comparing headers is enough to tell whether it was written.
  start.writeUInt32BE(Math.floor(Math.random() * 0x1_0000_0000), 20)
  return start
}

/** What follows the header: names, head, body. */
export function frameTail(entry: NewEntry, names: string): Buffer {
  const parts = [Buffer.from(names, 'latin1'), entry.head ?? NOTHING, entry.body as Uint8Array]
  return Buffer.concat(parts)
}

/** The whole frame of an entry that was begun at `begun` and is stored at `now`. */
export function entryFrame(entry: NewEntry, guards: readonly string[], begun: string, now: number): Buffer {
  const names = guards.join('\n')
  const middle = Buffer.alloc(FRAME.size - FRAME.begun)
  middle.write(begun, 'latin1')
  const frame = Buffer.concat([frameStart(entry, names), middle, frameTail(entry, names)])
  frame.writeDoubleBE(now, FRAME.times)
  writeLifetime(frame, entry, now)
  return frame
}

/** A frame that holds no entry yet, only the lease on it. */
export function leaseFrame(guards: readonly string[], begun: string, lease: { token: string; until: number }): Buffer {
  const nothing = { body: NOTHING, format: 0, size: 0, costMs: 0, peekMs: 0, freshMs: 0, staleMs: 0, graceMs: 0 }
  const frame = entryFrame(nothing, guards, begun, 0)
  frame[2] = 0
  writeLease(frame, lease)
  return frame
}

/** The same entry, leased to somebody, or to nobody. */
export function withLease(frame: Frame, lease: { token: string; until: number } | undefined): Buffer {
  const copy = Buffer.from(frame.bytes)
  copy.fill(0, FRAME.token, FRAME.size)
  if (lease !== undefined) writeLease(copy, lease)
  return copy
}

/** The same entry with a new lifetime from `now`. */
export function withLifetime(frame: Frame, lifetime: Lifetime, now: number): Buffer {
  const copy = Buffer.from(frame.bytes)
  writeLifetime(copy, lifetime, now)
  return copy
}

/** The entry in `bytes` with the times of another. */
export function withTimesOf(bytes: Buffer, other: Frame): Buffer {
  other.bytes.copy(bytes, FRAME.times, FRAME.times, FRAME.token)
  return bytes
}

function writeLease(frame: Buffer, { token, until }: { token: string; until: number }): void {
  frame.write(token, FRAME.token, 'latin1')
  frame.writeDoubleBE(until, FRAME.until)
}

function writeLifetime(frame: Buffer, { freshMs, staleMs, graceMs }: Lifetime, now: number): void {
  frame.writeDoubleBE(now + freshMs, 48)
  frame.writeDoubleBE(now + staleMs, 56)
  frame.writeDoubleBE(now + graceMs, 64)
}

/** How long a store must keep an entry. */
export function physicalMs({ freshMs, staleMs, graceMs }: Lifetime): number {
  return Math.ceil(Math.max(freshMs, staleMs, graceMs))
}

const NOTHING = new Uint8Array()
