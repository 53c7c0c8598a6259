import type { Cluster, Redis } from 'ioredis'
import type { AvailabilityChange, CallOptions } from '../availability.js'
import type { Closable } from '../closable.js'

/** The client to send commands with. Never `select`, `quit`, `disconnect` or `duplicate` it: others share it. */
export type RedisClient = Redis | Cluster

/** {@link CallOptions}, and where the call goes. */
export interface RedisCallOptions extends CallOptions {
  /** A key of the command: on Cluster the call is then counted for, and refused because of, the node of that key only. */
  readonly key?: string
}

/** How a client of one's own differs from the shared one. */
export interface DedicatedOptions {
  /** RESP version. ioredis 6 drops the `invalidate` messages of version 3, so that client-side caching needs 2. Default 3. */
  readonly protocol?: 2 | 3
  /** Whether it subscribes again by itself after a reconnect. Default true; say false to prepare the connection first, at `ready`. */
  readonly resubscribe?: boolean
  /** On Cluster, the node to connect to, as one of `client.nodes()`; then the answer is a plain client of that node. */
  readonly node?: Redis
}

/**
 * One shared connection (or pool) to one Redis database, outlived by the app.
 *
 * It connects in the background for ever, verifies its database number after every reconnect before it counts as
 * available, and answers at once while it is not: a call then costs one boolean.
 */
export interface RedisConnection extends Closable {
  /** The client itself, for commands outside {@link RedisConnection.run}. Has no deadline of its own but the client's. */
  readonly client: RedisClient
  /** Whether commands may be sent now: connected, database verified, breaker not open. */
  readonly available: boolean
  /** Whether this is Redis Cluster: one database (0), and keys of one command must share a slot. */
  readonly cluster: boolean
  /** Where it points to, such as `127.0.0.1:6379/0`, without credentials: safe for logs. */
  readonly target: string
  /** The database number; always 0 on Cluster. */
  readonly db: number

  /**
   * Runs `command` through the gate: under a deadline (default 1000 ms), counted by the breaker.
   *
   * Rejects with `BackendUnavailableError` when the server is away, slow or refusing, with `MisconfiguredError` when it
   * refuses for a reason that only a person can change, and with the client's own error (sanitised) for a bug in the
   * call. A call that timed out may still have been executed.
   */
  run<Result>(command: (client: RedisClient) => Promise<Result>, options?: RedisCallOptions): Promise<Result>

  /** A client for SUBSCRIBE, opened on first use, reconnecting and subscribing again by itself, closed with this one. */
  subscriber(): RedisClient
  /** A new client for blocking commands; the caller ends it with `disconnect()`, or it goes with this one. */
  blocking(): RedisClient
  /**
   * A new client for what changes a connection (`CLIENT TRACKING`, `WATCH`); commands wait while it reconnects. The caller
   * ends it with `disconnect()`, or it goes with this one.
   */
  dedicated(options?: DedicatedOptions): RedisClient

  /** Calls `listener` at every change of {@link RedisConnection.available}; the answer takes it off again. */
  onChange(listener: (change: AvailabilityChange) => void): () => void
}
