import type { BreakerOptions } from '../breaker.js'
import { type Clock, systemClock } from '../clock.js'
import type { Closable } from '../closable.js'
import { MisconfiguredError } from '../infra-error.js'
import { type Logger, silentLogger } from '../logger.js'
import type { ClientSettings } from './client-options.js'
import type { RedisClient } from './redis-connection.js'
import { PooledRedisLease, type RedisLease } from './redis-lease.js'
import { RedisPool } from './redis-pool.js'
import type { RedisIdentity, RedisTarget, ResolvedTarget } from './redis-target.js'
import { resolveRedisTarget } from './resolve-redis-target.js'

/** Which Redis, who we are there, and how patient we are. Times in milliseconds. */
export type RedisLeaseOptions = RedisTarget &
  RedisIdentity & {
    /** Whose connection this is, such as `cache`: for messages. Default `Redis`. */
    readonly owner?: string
    /** How many connections share the work; everyone on the same database shares the most that anyone asked for. Default 1. */
    readonly poolSize?: number
    /** How long a call may take unless it says otherwise. Default 1000. */
    readonly deadlineMs?: number
    readonly breaker?: BreakerOptions
    /** How long connecting may take, and then the handshake. Default 1200. */
    readonly connectTimeoutMs?: number
    /** After about this long without an answer a shared connection counts as dead, and what it owes fails. Default 5000. */
    readonly socketTimeoutMs?: number
    /** Shows in `CLIENT LIST`, such as `shop:cache`. */
    readonly connectionName?: string
  }

/** What is known of one pool. */
export interface RedisPoolReport {
  readonly target: string
  readonly db: number
  readonly size: number
  readonly leases: number
  readonly verified: boolean
}

/**
 * Lends connections to Redis: whoever means the same database of the same server shares one pool.
 *
 * `lease` answers at once and connects in the background; the last lease that is closed closes the pool.
 */
export interface RedisHub extends Closable {
  /** Throws a `MisconfiguredError` for settings that contradict themselves or an earlier lease. Does no I/O. */
  lease(options: RedisLeaseOptions): RedisLease
  /** The pools that are open now. */
  pools(): readonly RedisPoolReport[]
}

/** Makes an empty hub. Nothing connects before the first lease. */
export function createRedisHub(options: { readonly clock?: Clock; readonly logger?: Logger } = {}): RedisHub {
  return new PoolingRedisHub(options.clock ?? systemClock, options.logger ?? silentLogger)
}

interface PoolEntry {
  readonly pool: RedisPool
  readonly leases: Set<RedisLease>
}

class PoolingRedisHub implements RedisHub {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #entries = new Set<PoolEntry>()
  #closing: Promise<void> | undefined

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  lease(options: RedisLeaseOptions): RedisLease {
    const target = resolveRedisTarget(options)
    this.#checkCredentials(target)
    const { owner = 'Redis', poolSize = 1, deadlineMs = 1000, breaker } = options
    if (!Number.isInteger(poolSize) || poolSize < 1)
      throw new MisconfiguredError('poolSize must be a whole number from 1 up.')
    const settings = settingsOf(options)
    const label = `${owner === 'Redis' ? '' : `${owner}: `}Redis at ${target.target}`
    const entry = this.#entry(target, settings, poolSize)
    const lease: RedisLease = new PooledRedisLease({
      pool: entry.pool,
      settings,
      label,
      deadlineMs,
      clock: this.#clock,
      onClose: () => this.#release(entry, lease),
      ...(breaker === undefined ? {} : { breaker }),
    })
    entry.leases.add(lease)
    return lease
  }

  pools(): readonly RedisPoolReport[] {
    return [...this.#entries].map(({ pool, leases }) => ({
      target: pool.target.target,
      db: pool.target.db,
      size: pool.size,
      leases: leases.size,
      verified: pool.verified,
    }))
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(
      [...this.#entries].flatMap(({ leases }) => [...leases].map((lease) => lease.close())),
    ).then(() => {})
    return this.#closing
  }

  #entry(target: ResolvedTarget, settings: ClientSettings, size: number): PoolEntry {
    const known = [...this.#entries].find(({ pool }) => isSameDatabase(pool.target, target))
    if (known !== undefined) {
      if (known.pool.size !== size) {
        this.#logger.warn(
          { target: target.target, poolSize: Math.max(size, known.pool.size) },
          'Components that share this Redis database ask for different pool sizes; the larger one is used',
        )
      }
      known.pool.grow(size)
      return known
    }
    const pool = new RedisPool({ target, settings, size, label: `Redis at ${target.target}` })
    const entry: PoolEntry = { pool, leases: new Set() }
    this.#entries.add(entry)
    return entry
  }

  /** One account has one password; two of them are a mistake that would show only after the next reconnect. */
  #checkCredentials(target: ResolvedTarget): void {
    for (const { pool } of this.#entries) {
      if (pool.target.identity !== target.identity || pool.target.credentials === target.credentials) continue
      if (lentClient(pool.target) !== lentClient(target)) continue
      throw new MisconfiguredError(
        `${passwordName(pool.target)} and ${passwordName(target)} differ, but both are the password for Redis at ${pool.target.target}. Give the same one, or different user names.`,
        { code: 'REDIS_PASSWORD_CONFLICT' },
      )
    }
  }

  async #release(entry: PoolEntry, lease: RedisLease): Promise<void> {
    entry.leases.delete(lease)
    if (entry.leases.size > 0) return
    this.#entries.delete(entry)
    await entry.pool.close()
  }
}

function passwordName({ variables }: ResolvedTarget): string {
  return variables.password ?? 'password'
}

function isSameDatabase(one: ResolvedTarget, other: ResolvedTarget): boolean {
  return one.identity === other.identity && one.db === other.db && lentClient(one) === lentClient(other)
}

/** A lent client is its own pool, wherever it points to. */
function lentClient({ place }: ResolvedTarget): RedisClient | undefined {
  return 'client' in place ? place.client : undefined
}

function settingsOf(options: RedisLeaseOptions): ClientSettings {
  const { connectTimeoutMs = 1200, socketTimeoutMs = 5000, connectionName } = options
  return { connectTimeoutMs, socketTimeoutMs, ...(connectionName === undefined ? {} : { connectionName }) }
}
