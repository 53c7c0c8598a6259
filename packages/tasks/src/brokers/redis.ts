import type { Duration } from '@plinth/config/units'
import { type RedisConnection, type RedisLeaseOptions, resolveRedisTarget } from '@plinth/core/redis'
import type { TaskBroker } from '../broker.js'
import {
  ANY,
  checkOptions,
  DURATION,
  durationOf,
  either,
  having,
  type Kinds,
  TEXT,
  wholeFrom,
} from '../option-checks.js'
import { TaskDefinitionError } from '../task-errors.js'
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

/** Every way to say which Redis. */
type LeaseName = RedisLeaseOptions extends infer One ? (One extends object ? keyof One : never) : never

const KINDS = {
  prefix: TEXT,
  lock: DURATION,
  stalledCheck: DURATION,
  commandTimeout: DURATION,
  maxEnded: wholeFrom(0),
  maxInFlight: wholeFrom(1),
  maxPayloadBytes: wholeFrom(1),
  connection: having('a connection of @plinth/core/redis', 'run', 'onChange'),
  url: either(TEXT, having('a Secret', 'reveal')),
  address: ANY,
  cluster: ANY,
  sentinels: ANY,
  name: ANY,
  client: ANY,
  db: wholeFrom(0),
  username: ANY,
  password: ANY,
  tls: ANY,
  sentinelUsername: ANY,
  sentinelPassword: ANY,
  sentinelTls: ANY,
  variables: ANY,
  owner: ANY,
  poolSize: wholeFrom(1),
  deadlineMs: wholeFrom(1),
  breaker: ANY,
  connectTimeoutMs: wholeFrom(1),
  socketTimeoutMs: wholeFrom(1),
  connectionName: ANY,
} satisfies Kinds<Record<keyof RedisBrokerTuning | LeaseName | 'connection', unknown>>

/**
 * Makes a broker that keeps tasks in Redis, in the layout of BullMQ: its dashboards and tools work on it unchanged.
 *
 * `redisBroker({ url: 'redis://127.0.0.1:6379/3' })`, or `redisBroker({ connection })` with a connection of
 * `@plinth/core/redis`, which stays yours to close. Needs `bullmq` and `ioredis`. Nothing connects before it is used. Give
 * Redis `maxmemory-policy noeviction` and, to survive its own crash, an append-only file.
 *
 * @throws TaskDefinitionError for an option that does not exist or is not of its kind, MisconfiguredError when no Redis, or more
 * than one, is named.
 */
export function redisBroker(options: RedisBrokerOptions): TaskBroker {
  checkOptions(options, KINDS, 'redisBroker')
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
  if (connection === undefined) resolveRedisTarget(lease as RedisLeaseOptions)
  else if (Object.keys(lease).length > 0) {
    throw new TaskDefinitionError(
      `redisBroker with a connection that is lent has no use for ${Object.keys(lease).join(', ')}: give one or the other.`,
    )
  }
  const commandMs = durationOf(commandTimeout, 'commandTimeout of redisBroker', 1)
  const open =
    connection === undefined
      ? new OpenConnection({ options: { owner: 'tasks', deadlineMs: commandMs, ...(lease as RedisLeaseOptions) } })
      : new OpenConnection({ lent: connection })
  return new RedisBroker({
    open,
    prefix,
    lockMs: durationOf(lock, 'lock of redisBroker', 100),
    stalledMs: durationOf(stalledCheck, 'stalledCheck of redisBroker', 10),
    commandMs,
    maxEnded,
    maxInFlight,
    maxPayloadBytes,
  })
}
