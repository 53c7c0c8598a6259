import type { Clock } from '@plinth/core'
import {
  type Address,
  type CacheStore,
  type Claim,
  type ClaimRequest,
  COUNT_FORMAT,
  type Inspection,
  type KeyMatcher,
  type Lease,
  type Lifetime,
  type NewEntry,
  type StoredEntry,
  type SweepOptions,
  type WriteCondition,
} from '../../cache-backend.js'
import { CacheValueError } from '../../cache-errors.js'
import { waitFor } from '../../wait-for.js'
import type { EntryPool } from './entry-pool.js'
import { type EntryOwner, MemoryEntry } from './memory-entry.js'
import { type LeaseGiver, MemoryLease } from './memory-lease.js'
import { type Stamp, Stamps, unchangedSince } from './stamps.js'

/** One namespace in this process: a map of entries, their guards, and who computes what. */
export class MemoryStore implements CacheStore, EntryOwner, LeaseGiver {
  readonly holds = 'values' as const
  readonly #entries = new Map<string, MemoryEntry>()
  readonly #leases = new Map<string, MemoryLease>()
  readonly #stamps = new Stamps()
  readonly #pool: EntryPool
  readonly #clock: Clock

  constructor(pool: EntryPool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
  }

  peek(key: string): unknown {
    const entry = this.#entries.get(key)
    if (
      entry === undefined ||
      !unchangedSince(entry.stamps, entry.begunAt) ||
      this.#clock.elapsed() >= entry.peekUntil
    ) {
      return undefined
    }
    entry.visited = true
    return entry.body
  }

  peekFresh(key: string): MemoryEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || !entry.valid || this.#clock.elapsed() >= entry.freshUntil) return undefined
    entry.visited = true
    return entry
  }

  async read(address: Address): Promise<StoredEntry | undefined> {
    const now = this.#now()
    return this.#find(address.key, now)?.describe(now)
  }

  async claim(address: Address, request: ClaimRequest): Promise<Claim> {
    const { key } = address
    const now = this.#now()
    const entry = this.#find(key, now)
    const found = entry?.describe(now)
    const held = this.#leases.get(key)
    const mayLead = request.mode === 'steal' || held === undefined || !held.holds(now)
    const wanted = request.mode !== 'need' || entry === undefined || entry.freshUntil <= now
    return { entry: found, lease: wanted && mayLead ? this.#lease(address, now + request.leaseMs) : undefined }
  }

  async settled(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const lease = this.#leases.get(key)
    if (lease === undefined) return
    await waitFor((wake) => lease.wait(wake), timeoutMs, signal)
  }

  async write(address: Address, entry: NewEntry, condition?: WriteCondition): Promise<boolean> {
    const exists = condition !== undefined && this.#find(address.key, this.#now()) !== undefined
    if (condition !== undefined && exists !== (condition === 'present')) return false
    this.#voidLease(address.key)
    this.#put(address.key, entry, this.#stamps.acquire(address.guards), this.#stamps.time)
    return true
  }

  async touch(address: Address, lifetime: Lifetime): Promise<boolean> {
    const now = this.#now()
    const entry = this.#find(address.key, now)
    entry?.renew(lifetime, now)
    return entry !== undefined
  }

  async remove(keys: readonly string[]): Promise<number> {
    let removed = 0
    for (const key of keys) {
      this.#voidLease(key)
      if (this.#remove(key)) removed++
    }
    return removed
  }

  async take(address: Address): Promise<StoredEntry | undefined> {
    const now = this.#now()
    const found = this.#find(address.key, now)?.describe(now)
    this.#voidLease(address.key)
    this.#remove(address.key)
    return found
  }

  async increment(address: Address, by: number, lifetime: Lifetime): Promise<number> {
    const entry = this.#find(address.key, this.#now())
    this.#voidLease(address.key)
    if (entry === undefined) {
      const count = { ...lifetime, body: by, size: 8, format: COUNT_FORMAT, costMs: 0, peekMs: lifetime.freshMs }
      this.#put(address.key, count, this.#stamps.acquire(address.guards), this.#stamps.time)
      return by
    }
    const sum = typeof entry.body === 'number' ? entry.body + by : Number.NaN
    if (!Number.isSafeInteger(sum)) {
      throw new CacheValueError('Only a whole number can be incremented, and only up to 2^53 - 1.')
    }
    entry.body = sum
    return sum
  }

  async stamp(guards: readonly string[]): Promise<void> {
    this.#stamps.change(guards)
  }

  async sweep(matcher: KeyMatcher, { signal, dryRun, onProgress }: SweepOptions): Promise<number> {
    const matching = (keys: Iterable<string>): string[] => [...keys].filter((key) => matcher.matches(key))
    signal?.throwIfAborted()
    const now = this.#now()
    const found = matching(this.#entries.keys()).filter((key) => this.#find(key, now) !== undefined)
    if (dryRun) return found.length
    for (const key of matching(this.#leases.keys())) this.#voidLease(key)
    for (const key of found) this.#remove(key)
    onProgress?.(found.length)
    return found.length
  }

  async inspect(address: Address): Promise<Inspection> {
    const now = this.#now()
    const entry = this.#entries.get(address.key)
    const lease = this.#leases.get(address.key)
    const leased = lease !== undefined && lease.until > now
    if (entry === undefined) return { state: 'absent', leased, changed: [] }
    const changed = entry.stamps
      .filter((stamp) => stamp.changedAt > entry.begunAt)
      .map(({ guard, changedOn }) => (changedOn === undefined ? { guard } : { guard, at: changedOn }))
    const state = changed.length > 0 ? 'invalidated' : freshness(entry, now)
    return { state, leased, changed, entry: entry.describe(now) }
  }

  async verify(): Promise<boolean> {
    return true
  }

  /** Forgets an entry that the pool evicts. */
  drop(entry: MemoryEntry): void {
    this.#entries.delete(entry.key)
    this.#stamps.release(entry.stamps)
  }

  fill(lease: MemoryLease, entry: NewEntry): boolean {
    if (lease.ended) return false
    const extra = this.#stamps.acquire(entry.extraGuards ?? [])
    const stamps = extra.length === 0 ? lease.stamps : [...lease.stamps, ...extra]
    const sure = extra.length === 0 || this.#stamps.remembers(lease.begunAt)
    const stored = sure && unchangedSince(stamps, lease.begunAt)
    if (stored) this.#put(lease.key, entry, stamps, lease.begunAt)
    else this.#stamps.release(stamps)
    this.#finish(lease)
    return stored
  }

  renew(lease: MemoryLease, leaseMs: number): boolean {
    if (lease.ended || !unchangedSince(lease.stamps, lease.begunAt)) return false
    lease.until = this.#now() + leaseMs
    return true
  }

  release(lease: MemoryLease): boolean {
    if (lease.ended) return false
    const unchanged = unchangedSince(lease.stamps, lease.begunAt)
    this.#stamps.release(lease.stamps)
    this.#finish(lease)
    return unchanged
  }

  #now(): number {
    return Math.floor(this.#clock.elapsed())
  }

  /** The entry if it can still be of use; what cannot is removed on sight. */
  #find(key: string, now: number): MemoryEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.usable(now)) {
      entry.visited = true
      return entry
    }
    this.#remove(key)
    return undefined
  }

  #put(key: string, entry: NewEntry, stamps: readonly Stamp[], begunAt: number): void {
    this.#remove(key)
    const stored = new MemoryEntry(this, key, entry, stamps, begunAt, this.#now())
    this.#entries.set(key, stored)
    this.#pool.add(stored, stored.storedAt)
  }

  #remove(key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#pool.remove(entry)
    this.drop(entry)
    return true
  }

  #lease({ key, guards }: Address, until: number): Lease {
    this.#voidLease(key)
    const lease = new MemoryLease(this, key, this.#stamps.acquire(guards), this.#stamps.time, until)
    this.#stamps.begin()
    this.#leases.set(key, lease)
    return lease
  }

  /** Whoever computes this key will not store it. */
  #voidLease(key: string): void {
    const lease = this.#leases.get(key)
    if (lease === undefined) return
    this.#stamps.release(lease.stamps)
    this.#finish(lease)
  }

  #finish(lease: MemoryLease): void {
    this.#leases.delete(lease.key)
    this.#stamps.end()
    lease.end()
  }
}

function freshness(entry: MemoryEntry, now: number): Inspection['state'] {
  if (now < entry.freshUntil) return 'fresh'
  return entry.usable(now) ? 'stale' : 'expired'
}
