import type { AvailabilityChange, Closable } from '@plinth/core'

/**
 * Where caches keep their entries.
 *
 * A backend hands out one {@link CacheStore} per namespace. It is correct when its stores pass `cacheBackendChecks`
 * (`@plinth/cache/conformance`). It never closes a connection it was lent.
 */
export interface CacheBackend extends Closable {
  /** Names this backend in logs, events and errors, such as `redis`. */
  readonly name: string
  /** Where it points to, without credentials: safe for logs. Absent for what lives in the process. */
  readonly target?: string
  /** The connection it was lent. Absent for what lives in the process. */
  readonly connection?: object
  /** Whether calls may succeed now. What lives in the process is always available. */
  readonly available: boolean
  /** The part of the backend that belongs to `namespace`. No I/O; the same namespace is the same data. */
  open(namespace: string): CacheStore
  /** Resolves when the backend answers; rejects with `BackendUnavailableError`. */
  ping(): Promise<void>
  /** Calls `listener` at every change of {@link CacheBackend.available}; the answer takes it off again. */
  onChange(listener: (change: AvailabilityChange) => void): () => void
}

/**
 * The entries of one namespace, and the stamps that make them invalid.
 *
 * **Guards.** An entry depends on guards: opaque names for a tag, a prefix, the whole namespace. {@link CacheStore.stamp}
 * changes a guard in one write, whatever the number of entries that depend on it. An entry is valid only while every guard
 * is what it was when the entry's computation *began* (`claim`, or `write`). A guard that the store has lost counts as changed.
 *
 * **Leases.** `claim` hands the right to compute a missing or expired entry to one caller in all processes. `fill` stores only while
 * that right is held: `remove`, `write`, `take` and `stamp` that came in between make it answer `false`, and nothing is
 * stored. So once an invalidation has returned, nothing computed before it is stored or served.
 *
 * **Absence** is `undefined`; an invalid or undecodable entry is absent. **Failure** rejects with `BackendUnavailableError`
 * within the store's own deadline; a write that rejects may or may not have happened. Times in milliseconds.
 */
export interface CacheStore {
  /** `values`: bodies may be any value and are handed back as they are. `bytes`: bodies are `Uint8Array`. */
  readonly holds: 'values' | 'bytes'

  /** The value of a valid entry, as `keep` made it, that can be answered at once, without I/O, within its `peekMs`; `undefined` says nothing. */
  peek?(key: string): unknown
  /** Head and body of a valid, fresh entry, where both are at hand in this process; `undefined` says nothing. */
  peekFresh?(key: string): { readonly head: Uint8Array | undefined; readonly body: unknown } | undefined
  /** Lends a store of bytes that can {@link CacheStore.peek} the way to open them. Called once, before anything else. */
  openWith?(open: OpenBody): void
  /** The entry, if it is valid and not beyond its last use. `part: 'head'` may leave the body behind. */
  read(address: Address, part?: EntryPart): Promise<StoredEntry | undefined>
  /** The entry, and a lease when it must (or, for `refresh` and `steal`, shall) be computed. One round trip where the backend can. */
  claim(address: Address, request: ClaimRequest): Promise<Claim>
  /** Resolves when the lease on `key` may have ended: told, or after `timeoutMs` at the latest. Never rejects. */
  settled(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /** Stores, or, with a condition, stores only then; answers whether it did. Ends a lease on the key. Atomic. */
  write(address: Address, entry: NewEntry, condition?: WriteCondition): Promise<boolean>
  /** Gives a valid entry a new lifetime from now; answers whether there was one. */
  touch(address: Address, lifetime: Lifetime): Promise<boolean>
  /** Removes the entries and ends the leases on them; answers how many valid or invalid entries there were. */
  remove(keys: readonly string[]): Promise<number>
  /** Reads and removes in one atomic step: of many takers one gets the entry. */
  take(address: Address): Promise<StoredEntry | undefined>
  /** Adds to a whole number in one atomic step; begins with 0 and `lifetime` when absent. A body that is not a number rejects with `CacheValueError`. */
  increment(address: Address, by: number, lifetime: Lifetime): Promise<number>
  /** Changes the guards. When it has resolved, every entry and every running computation that depends on them is void, in every process. */
  stamp(guards: readonly string[]): Promise<void>
  /** Removes the entries whose key matches; absent where keys cannot be listed. */
  sweep?(matcher: KeyMatcher, options: SweepOptions): Promise<number>
  /** What is known about a key, valid or not. For people; may cost more than a read. */
  inspect(address: Address): Promise<Inspection>
  /** Whether everything the store once confirmed is still there. Asked once after each outage, before reads are trusted again. */
  verify(): Promise<boolean>
}

/** Where an entry lives: its canonical key (see `canonicalKey`), and the guards its caller knows of. */
export interface Address {
  readonly key: string
  /**
   * On write, what the entry depends on. On read, a hint: an entry is judged by its own guards, which cost nothing extra
   * when they are these, in this order.
   */
  readonly guards: readonly string[]
}

/** Opens the body of an entry into a value that may be kept in this process; `undefined` for what cannot or need not be. */
export type OpenBody = (
  entry: StoredEntry,
  key: string,
) => { readonly body: unknown; readonly size: number } | undefined

/** Which part of an entry is wanted. */
export type EntryPart = 'all' | 'head'

/** How long an entry lives, in milliseconds from now (or, for a fill, from the fill). */
export interface Lifetime {
  /** Answered without question. */
  readonly freshMs: number
  /** Counted from the start: until when it may be answered while somebody computes anew. At least `freshMs`. */
  readonly staleMs: number
  /** Counted from the start: until when it may be answered because computing failed. At least `freshMs`. */
  readonly graceMs: number
}

/** The format of a whole number that `increment` understands: a number where values are kept, its decimal digits in ASCII where bytes are. */
export const COUNT_FORMAT = 0

/** An entry to store. */
export interface NewEntry extends Lifetime {
  /** A small part that can be read by itself, such as status and headers of a response. */
  readonly head?: Uint8Array
  /** As {@link CacheStore.holds} says. */
  readonly body: unknown
  /** Roughly how many bytes the body takes, for stores that are bounded by bytes. */
  readonly size: number
  /** What the body is, for whoever reads it: {@link COUNT_FORMAT} or a number of the caller's below 2^16, handed back as it is. */
  readonly format: number
  /** How long the computation took. */
  readonly costMs: number
  /** How long {@link CacheStore.peek} may answer it; at most `freshMs`. */
  readonly peekMs: number
  /** Guards found out by the computation itself. A store that cannot tell whether one changed meanwhile refuses the fill. */
  readonly extraGuards?: readonly string[]
}

/** An entry as it was found. Durations count from now; negative means past. */
export interface StoredEntry {
  readonly head: Uint8Array | undefined
  /** `undefined` when only the head was asked for and the store left the body behind. */
  readonly body: unknown
  readonly format: number
  readonly ageMs: number
  readonly freshForMs: number
  readonly staleForMs: number
  readonly graceForMs: number
  readonly costMs: number
  /** Every guard the entry depends on. */
  readonly guards: readonly string[]
}

/** How much the caller wants to compute. */
export interface ClaimRequest {
  /**
   * `need`: a lease only if there is no fresh entry and nobody else holds one. `refresh`: also if it is fresh.
   * `steal`: in any case; whoever held the lease loses it.
   */
  readonly mode: 'need' | 'refresh' | 'steal'
  /** How long the lease lasts unless renewed. A holder that died is replaced after that. */
  readonly leaseMs: number
}

/** What a claim found. No entry and no lease: somebody else computes; wait for {@link CacheStore.settled}, then claim again. */
export interface Claim {
  readonly entry: StoredEntry | undefined
  readonly lease: Lease | undefined
}

/** The right to compute one entry. It ends with `fill` or `release`, when it is not renewed in time, or when something voids it. */
export interface Lease {
  /** Stores the entry, unless the lease or a guard was lost meanwhile; answers whether it did. */
  fill(entry: NewEntry): Promise<boolean>
  /** Prolongs the lease; answers whether it was still held. */
  renew(leaseMs: number): Promise<boolean>
  /** Gives the lease back with nothing stored, so that another may compute; answers whether it was still held and no guard had changed. */
  release(): Promise<boolean>
}

/** When a write shall happen: only if there is no valid entry, or only if there is one. */
export type WriteCondition = 'absent' | 'present'

/** Tells which keys a pattern means. */
export interface KeyMatcher {
  /** What every matching key begins with; free of wildcards in any backend's syntax. May be empty. */
  readonly beginsWith: string
  matches(key: string): boolean
}

/** Bounds of a sweep. */
export interface SweepOptions {
  readonly signal?: AbortSignal
  /** Counts only; removes nothing. */
  readonly dryRun: boolean
  readonly onProgress?: (removed: number) => void
}

/** What is known about one key. */
export interface Inspection {
  readonly state: 'absent' | 'fresh' | 'stale' | 'expired' | 'invalidated' | 'undecodable'
  /** Whether somebody computes it now. */
  readonly leased: boolean
  /** The guards that changed or were lost since it was computed. */
  readonly changed: readonly ChangedGuard[]
  readonly entry?: StoredEntry
}

/** A guard that voided an entry. */
export interface ChangedGuard {
  readonly guard: string
  /** When it was stamped, in milliseconds since the epoch as far as known; absent when the store lost it. */
  readonly at?: number
}
