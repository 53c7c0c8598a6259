import type { Duration } from '@plinth/config/units'
import type { Ttl } from './load-options.js'

/**
 * Two-step access to a cache, for adapters that cannot put their work into a loader: look up, and when it falls to you, compute
 * and {@link SlotLease.fill}.
 *
 * Bodies are bytes and stay as they are: no codec, no compression. Keys are canonical, as a template renders them. A backend that is
 * away is a `miss` without a lease.
 */
export interface CacheSlots {
  /** How long content without a `ttl` of its own is fresh, in milliseconds. */
  readonly defaultTtlMs: number
  /** What is stored and fresh, where that is known at once, without I/O; `undefined` says nothing. */
  peek(key: SlotKey): Pick<SlotEntry, 'head' | 'body'> | undefined
  /** What is stored, and whether it falls to the caller to compute it. One round trip. */
  acquire(key: SlotKey, options?: AcquireOptions): Promise<Slot>
  /** What is stored, fresh or stale. `part: 'head'` may answer with an empty body and moves no more than the head. */
  read(key: SlotKey, part?: 'all' | 'head'): Promise<SlotEntry | undefined>
  /** Stores without a lease. */
  put(key: SlotKey, content: SlotContent): Promise<void>
}

/** A rendered key with what it depends on. */
export interface SlotKey {
  /** The canonical key; colons separate segments. */
  readonly key: string
  /** Canonical tags (as templates render them) known before computing. */
  readonly tags?: readonly string[]
  /** Names the template in events; the key itself never appears there. */
  readonly template?: string
}

/** Options of {@link CacheSlots.acquire}. */
export interface AcquireOptions {
  /** Also take the lease when the entry is fresh: somebody wants it computed anew. */
  readonly refresh?: boolean
}

/** What {@link CacheSlots.acquire} found. */
export interface Slot {
  /**
   * `fresh`: answer it. `stale`: answer it, or compute if there is a lease. `lead`: compute, then fill or release. `busy`: somebody
   * computes: wait for `settled`, then acquire again, or compute without storing. `away`: compute without storing.
   */
  readonly state: 'fresh' | 'stale' | 'lead' | 'busy' | 'away'
  /** With `fresh`, `stale`, and with `lead` or `busy` when the old one may be served should computing fail. */
  readonly entry: SlotEntry | undefined
  /** With `lead`, and with `stale` when it falls to the caller to compute. It is renewed until it is filled or released. */
  readonly lease: SlotLease | undefined
  /** Resolves when whoever computes is done, or after `timeoutMs`. */
  settled(timeoutMs: number, signal?: AbortSignal): Promise<void>
}

/** The right and duty to compute one entry. */
export interface SlotLease {
  /** Stores; answers whether it did. False: something it depends on was invalidated meanwhile, or the backend is away. */
  fill(content: SlotContent): Promise<boolean>
  /** Stores nothing and lets another compute. */
  release(): Promise<void>
}

/** What is stored in a slot. */
export interface SlotContent {
  /** A small part that can be read by itself, such as status and headers. */
  readonly head: Uint8Array
  readonly body: Uint8Array
  readonly ttl?: Ttl
  readonly swr?: Duration
  readonly staleIfError?: Duration
  /** Canonical tags found out while computing. */
  readonly tags?: readonly string[]
}

/** What was found in a slot. Durations count from now; negative means past. */
export interface SlotEntry {
  readonly head: Uint8Array
  readonly body: Uint8Array
  readonly ageMs: number
  readonly freshForMs: number
  readonly staleForMs: number
  readonly graceForMs: number
}
