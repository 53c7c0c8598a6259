import { type Duration, parseDuration } from '@plinth/config/units'
import type { RedisConnection, RedisLeaseOptions } from '@plinth/core/redis'
import type { TaskBroker } from '../broker.js'
import { OpenConnection } from './redis/open-connection.js'
import { RedisBroker } from './redis/redis-broker.js'

/** How a Redis broker works, whichever Redis it is. */
export interface RedisBrokerTuning {
  /** The prefix of every key. Default `plinth`; on Cluster `{plinth}`, a hash tag, because all keys must live together. */
  readonly prefix?: string
  /**
   * How long a worker's hold on a task lasts unless it renews it. Default `'6s'`. The tasks of a killed worker run again
   * after this and one `stalledCheck`: 7.5 s at the longest, which leaves 2.5 of the ten seconds promised for slow machines.
   * A hold is renewed before 30 % of it is over, so a worker whose event loop stands still for 4 s keeps its tasks; one that
   * stands still for longer may lose them to others. Give workers that block for longer a longer lock.
   */
  readonly lock?: Duration
  /** How often workers look for tasks of dead workers. Default `'1500ms'`. */
  readonly stalledCheck?: Duration
  /** How long one command may take before the server counts as away. Default `'5s'`. */
  readonly commandTimeout?: Duration
  /** Results, and dead letters, kept at most in each lane of a queue; the oldest go first. Default 10,000. */
  readonly maxEnded?: number
  /** Messages under way to Redis at once; further enqueues wait their turn. Default 1000. */
  readonly maxInFlight?: number
  /** The largest input, in bytes of JSON. Default 1 MiB. */
  readonly maxPayloadBytes?: number
}

/** Which Redis: one that the broker opens (and closes) itself, or a connection that you lend. */
export type RedisBrokerOptions = RedisBrokerTuning &
  (
    | ({ readonly connection: RedisConnection } & { readonly url?: undefined })
    | (RedisLeaseOptions & { readonly connection?: undefined })
  )

/**
 * Makes a broker that keeps tasks in Redis, in the layout of BullMQ: its dashboards and tools work on it unchanged.
 *
 * `redisBroker({ url: 'redis://127.0.0.1:6379/3' })`, or `redisBroker({ connection })` with a connection of
 * `@plinth/core/redis`, which stays yours to close. Needs `bullmq` and `ioredis`. Nothing connects before it is used. Give
 * Redis `maxmemory-policy noeviction` and, to survive its own crash, an append-only file.
 */
export function redisBroker(options: RedisBrokerOptions): TaskBroker {
  const {
    prefix,
    lock = 6000,
    stalledCheck = 1500,
    commandTimeout = 5000,
    maxEnded = 10_000,
    maxInFlight = 1000,
    maxPayloadBytes = 1_048_576,
    connection,
    ...lease
  } = options
  const commandMs = parseDuration(commandTimeout, 'commandTimeout of redisBroker')
  const open =
    connection === undefined
      ? new OpenConnection({ options: { owner: 'tasks', deadlineMs: commandMs, ...(lease as RedisLeaseOptions) } })
      : new OpenConnection({ lent: connection })
  return new RedisBroker({
    open,
    prefix,
    lockMs: parseDuration(lock, 'lock of redisBroker'),
    stalledMs: parseDuration(stalledCheck, 'stalledCheck of redisBroker'),
    commandMs,
    maxEnded,
    maxInFlight,
    maxPayloadBytes,
  })
}
