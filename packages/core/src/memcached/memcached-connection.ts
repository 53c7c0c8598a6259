import type { AvailabilityChange, CallOptions } from '../availability.js'
import type { Closable } from '../closable.js'

/**
 * Connections to one or more Memcached servers, keys spread by rendezvous hashing.
 *
 * Every call has a deadline, whatever the client does. Keys are text of 1 to 250 bytes without white space or control
 * characters; anything else rejects with a typed error before it reaches the socket. TTLs are milliseconds, rounded up
 * to whole seconds, of any length; absent means no expiry. What stands in the first `{...}` of a key decides alone which
 * server holds it, so that keys which belong together can be kept on one.
 */
export interface MemcachedConnection extends Closable {
  /** Whether at least one server answers. A call for a server that is away rejects with `BackendUnavailableError`. */
  readonly available: boolean
  /** The servers, such as `127.0.0.1:11211`, without credentials: safe for logs. */
  readonly target: string
  /**
   * The servers' clock minus ours in milliseconds; 0 until measured, and as long as the two agree to within the two seconds
   * that Memcached's ticks leave open. So processes with synchronised clocks agree, and a clock set wrongly is corrected.
   */
  readonly clockOffsetMs: number

  /** The bytes stored at `key`, or `undefined`. */
  get(key: string, options?: CallOptions): Promise<Buffer | undefined>
  /** As many gets, pipelined to each server; the answers stand in the order of `keys`. Rejects when one of the servers is away. */
  getMany(keys: readonly string[], options?: CallOptions): Promise<readonly (Buffer | undefined)[]>
  /** Stores, replacing what was there. */
  set(key: string, value: Uint8Array | string, ttlMs: number | undefined, options?: CallOptions): Promise<void>
  /** Stores only if the key is absent; answers whether it did. Atomic. */
  add(key: string, value: Uint8Array | string, ttlMs: number | undefined, options?: CallOptions): Promise<boolean>
  /** Stores only if the key is present; answers whether it did. Atomic. */
  replace(key: string, value: Uint8Array | string, ttlMs: number | undefined, options?: CallOptions): Promise<boolean>
  /** Answers whether there was something to delete. */
  delete(key: string, options?: CallOptions): Promise<boolean>
  /** Gives an existing key a new TTL; answers whether there was one. */
  touch(key: string, ttlMs: number | undefined, options?: CallOptions): Promise<boolean>

  /** The bytes stored at `key` and their version, which every write changes. */
  getVersioned(key: string, options?: CallOptions): Promise<VersionedValue | undefined>
  /** Stores only if nobody wrote or deleted since `version` was read; answers whether it did. Atomic. */
  replaceVersion(key: string, item: VersionedItem, options?: CallOptions): Promise<boolean>
  /** Deletes only if nobody wrote since `version` was read; answers whether it did. Atomic. */
  deleteVersion(key: string, version: MemcachedVersion, options?: CallOptions): Promise<boolean>

  /** Adds in one atomic step, creating the counter as `create` says when it is absent. Whole numbers up to 2^53 - 1. */
  increment(key: string, by: number, create: CounterStart, options?: CallOptions): Promise<number>
  /** Adds (takes away when negative, never below 0) only to a counter that exists; `undefined` when it does not. */
  incrementExisting(key: string, by: number, options?: CallOptions): Promise<number | undefined>
  /** What each server tells about itself. */
  stats(options?: CallOptions): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>

  /** Calls `listener` at every change of {@link MemcachedConnection.available}; the answer takes it off again. */
  onChange(listener: (change: AvailabilityChange) => void): () => void
}

/** What a counter that does not exist yet begins with. */
export interface CounterStart {
  readonly initial: number
  readonly ttlMs: number | undefined
}

/** Which write of an item this is: opaque, compared by the server only. */
export type MemcachedVersion = Buffer & { readonly __brand: 'memcached version' }

/** What is stored, and which write it comes from. */
export interface VersionedValue {
  readonly value: Buffer
  readonly version: MemcachedVersion
}

/** What to store in place of a version. */
export interface VersionedItem {
  readonly value: Uint8Array | string
  readonly ttlMs: number | undefined
  readonly version: MemcachedVersion
}
