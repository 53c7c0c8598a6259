import type { RedisConnection } from './redis-connection.js'
import { createRedisHub, type RedisLeaseOptions } from './redis-hub.js'

/** {@link RedisLeaseOptions}, and how long to wait for the first connection. */
export type OpenRedisOptions = RedisLeaseOptions & {
  /** How long to wait for the server at most, in milliseconds. Default 3000. */
  readonly startTimeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * Opens a connection to Redis, such as `await openRedis({ url: 'redis://127.0.0.1:6379/0' })`.
 *
 * Answers as soon as the connection is verified. When the server is away it answers too, after `startTimeoutMs`:
 * `available` is false then, and the connection keeps trying for ever. It rejects with a `MisconfiguredError` when only a
 * person can help: a wrong password, a DB number that does not exist, a certificate that nobody signed.
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisConnection> {
  const { startTimeoutMs = 3000, signal, ...lease } = options
  const connection = createRedisHub().lease(lease as RedisLeaseOptions)
  try {
    await connection.whenReady({ timeoutMs: startTimeoutMs, ...(signal === undefined ? {} : { signal }) })
    return connection
  } catch (error) {
    await connection.close()
    throw error
  }
}
