import type { AvailabilityChange, Readiness, ReadyOptions } from '../availability.js'
import { AvailabilityFeed } from '../availability-feed.js'
import type { BreakerOptions } from '../breaker.js'
import type { Clock } from '../clock.js'
import { Gate } from '../gate.js'
import { BackendUnavailableError } from '../infra-error.js'
import { type ClientSettings, type RedisRole, reconnectDelay } from './client-options.js'
import { createClient } from './create-client.js'
import { endClient } from './end-client.js'
import type { DedicatedOptions, RedisCallOptions, RedisClient, RedisConnection } from './redis-connection.js'
import type { RedisPool } from './redis-pool.js'
import { secretsOf } from './redis-target.js'

/** A {@link RedisConnection} that was given out before it was connected. */
export interface RedisLease extends RedisConnection, Readiness {}

/** How a lease is made. */
export interface LeaseOptions {
  readonly pool: RedisPool
  readonly settings: ClientSettings
  readonly label: string
  readonly deadlineMs: number
  readonly breaker?: BreakerOptions
  readonly clock: Clock
  /** Gives the pool back. */
  readonly onClose: () => Promise<void>
}

/** One user's share of a pool, with a gate of its own: a component with short deadlines does not shut out a patient one. */
export class PooledRedisLease implements RedisLease {
  readonly #options: LeaseOptions
  readonly #gate: Gate
  readonly #feed: AvailabilityFeed
  readonly #own = new Set<RedisClient>()
  readonly #unlisten: () => void
  #subscriber: RedisClient | undefined
  #closing: Promise<void> | undefined

  constructor(options: LeaseOptions) {
    const { pool, settings, label, clock } = options
    this.#options = options
    this.#feed = new AvailabilityFeed(clock)
    this.#gate = new Gate({
      label,
      source: 'redis',
      secrets: secretsOf(pool.target),
      deadlineMs: options.deadlineMs,
      probeDeadlineMs: settings.connectTimeoutMs,
      probe: () => pool.verify(),
      onDead: () => pool.reset(new BackendUnavailableError(`${label} answers no more.`, { reason: 'deadline' })),
      onChange: () => this.#feed.update(this.#gate.available, this.#gate.error),
      clock,
      ...(options.breaker === undefined ? {} : { breaker: options.breaker }),
    })
    this.#unlisten = pool.onChange(() => this.#follow())
    this.#follow()
  }

  get client(): RedisClient {
    return this.#options.pool.client
  }

  get available(): boolean {
    return this.#gate.available
  }

  get error(): Error | undefined {
    return this.#feed.error
  }

  get cluster(): boolean {
    return this.client.isCluster
  }

  get target(): string {
    return this.#options.pool.target.target
  }

  get db(): number {
    return this.#options.pool.target.db
  }

  run<Result>(command: (client: RedisClient) => Promise<Result>, options?: RedisCallOptions): Promise<Result> {
    return this.#gate.run(() => command(this.#options.pool.next()), options)
  }

  subscriber(): RedisClient {
    this.#subscriber ??= this.#open('subscriber')
    return this.#subscriber
  }

  blocking(): RedisClient {
    return this.#open('blocking')
  }

  dedicated(options: DedicatedOptions = {}): RedisClient {
    return this.#open('dedicated', options)
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    return this.#feed.onChange(listener)
  }

  whenReady(options?: ReadyOptions): Promise<boolean> {
    return this.#feed.whenReady(options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#unlisten()
    this.#gate.close()
    await Promise.all([...this.#own].map(endClient))
    await this.#options.onClose()
  }

  #follow(): void {
    const { pool } = this.#options
    if (pool.verified !== this.#gate.connected || !pool.verified) this.#gate.setConnected(pool.verified, pool.error)
  }

  #open(role: RedisRole, options: DedicatedOptions = {}): RedisClient {
    const { pool, settings, label } = this.#options
    if (this.#closing !== undefined) throw new BackendUnavailableError(`${label} was closed.`, { reason: 'closed' })
    let attempts = 0
    const client = createClient(pool.target, {
      role,
      settings,
      nextDelayMs: () => reconnectDelay(++attempts),
      ...options,
    })
    client.on('ready', () => {
      attempts = 0
    })
    // the shared connection tells of the outage; ioredis prints what nobody listens to
    client.on('error', () => {})
    client.on('end', () => this.#own.delete(client))
    this.#own.add(client)
    return client
  }
}
