import type { Lifetime, NewEntry, StoredEntry } from '../../cache-backend.js'
import type { SieveNode } from './sieve.js'
import { type Stamp, unchangedSince } from './stamps.js'

/** What one entry costs beside its key and body, in bytes: the object, its place in the map, its stamps. */
const OVERHEAD = 250

/** Who has an entry in it, and takes it out when it is evicted. */
export interface EntryOwner {
  drop(entry: MemoryEntry): void
}

/** One entry in this process. Times are whole milliseconds of the backend's monotonic clock. */
export class MemoryEntry implements SieveNode {
  newer: SieveNode | undefined
  older: SieveNode | undefined
  visited = false
  readonly owner: EntryOwner
  readonly key: string
  readonly stamps: readonly Stamp[]
  /** The stamps' time when its computation began. */
  readonly begunAt: number
  readonly head: Uint8Array | undefined
  body: unknown
  readonly format: number
  readonly size: number
  readonly costMs: number
  readonly storedAt: number
  peekUntil: number
  freshUntil: number
  staleUntil: number
  graceUntil: number

  constructor(owner: EntryOwner, key: string, entry: NewEntry, stamps: readonly Stamp[], begunAt: number, now: number) {
    this.newer = undefined
    this.older = undefined
    this.owner = owner
    this.key = key
    this.stamps = stamps
    this.begunAt = begunAt
    this.head = entry.head
    this.body = entry.body
    this.format = entry.format
    this.size = entry.size + key.length + (entry.head?.byteLength ?? 0) + OVERHEAD
    this.costMs = entry.costMs
    this.storedAt = now
    this.peekUntil = now + Math.min(entry.peekMs, entry.freshMs)
    this.freshUntil = now + entry.freshMs
    this.staleUntil = now + entry.staleMs
    this.graceUntil = now + entry.graceMs
  }

  /** Whether every guard is what it was. */
  get valid(): boolean {
    return unchangedSince(this.stamps, this.begunAt)
  }

  /** Whether it may still be answered in some case. */
  usable(now: number): boolean {
    return now < Math.max(this.staleUntil, this.graceUntil) && this.valid
  }

  renew(lifetime: Lifetime, now: number): void {
    this.freshUntil = now + lifetime.freshMs
    this.peekUntil = this.freshUntil
    this.staleUntil = now + lifetime.staleMs
    this.graceUntil = now + lifetime.graceMs
  }

  describe(now: number): StoredEntry {
    return {
      head: this.head,
      body: this.body,
      format: this.format,
      ageMs: now - this.storedAt,
      freshForMs: this.freshUntil - now,
      staleForMs: this.staleUntil - now,
      graceForMs: this.graceUntil - now,
      costMs: this.costMs,
      guards: this.stamps.map((stamp) => stamp.guard),
    }
  }
}
