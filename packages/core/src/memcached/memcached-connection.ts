import type { AvailabilityChange, CallOptions } from '../availability.js'
import type { Closable } from '../closable.js'

/**
 * Connections to one or more Memcached servers, keys spread by rendezvous hashing.
 *
 * Every call has a deadline, whatever the client does. Keys are text of 1 to 250 bytes without white space or control
 * characters; anything else rejects with a typed error before it reaches the socket. TTLs are milliseconds, rounded up
 * to whole seconds, of any length; absent means no expiry.
 */
export interface MemcachedConnection extends Closable {
  /** Whether at least one server answers. A call for a server that is away rejects with `BackendUnavailableError`. */
  readonly available: boolean
  /** The servers, such as `127.0.0.1:11211`, without credentials: safe for logs. */
  readonly target: string
  /** The servers' clock minus ours in milliseconds, estimated from their one-second ticks; 0 until measured. */
  readonly clockOffsetMs: number

  /** The bytes stored at `key`, or `undefined`. */
  get(key: string, options?: CallOptions): Promise<Buffer | undefined>
  /** As many gets, pipelined to each server; the answers stand in the order of `keys`. */
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
  /** Adds in one atomic step, creating the counter as `create` says when it is absent. Everything stays below 2^32. */
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
