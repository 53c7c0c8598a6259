import type { AvailabilityChange, Readiness, ReadyOptions } from '../availability.js'
import { AvailabilityFeed } from '../availability-feed.js'
import type { BreakerOptions } from '../breaker.js'
import type { Clock } from '../clock.js'
import { Gate } from '../gate.js'
import { BackendUnavailableError } from '../infra-error.js'
import type { ClientSettings, RedisRole } from './client-options.js'
import { ClusterGates } from './cluster-gates.js'
import { isCluster } from './create-client.js'
import { OwnClients } from './own-clients.js'
import type { DedicatedOptions, RedisCallOptions, RedisClient, RedisConnection } from './redis-connection.js'
import type { RedisPool } from './redis-pool.js'
import { redisSubject } from './redis-target.js'

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

/** One user's share of a pool, with gates of its own: a component with short deadlines does not shut out a patient one. */
export class PooledRedisLease implements RedisLease {
  readonly #pool: RedisPool
  readonly #label: string
  readonly #onClose: () => Promise<void>
  readonly #gate: Gate
  readonly #nodeGates: ClusterGates | undefined
  readonly #feed: AvailabilityFeed
  readonly #own: OwnClients
  readonly #unlisten: () => void
  #subscriber: RedisClient | undefined
  #closing: Promise<void> | undefined

  constructor({ pool, settings, label, deadlineMs, breaker, clock, onClose }: LeaseOptions) {
    this.#pool = pool
    this.#label = label
    this.#onClose = onClose
    this.#feed = new AvailabilityFeed(clock)
    this.#own = new OwnClients(pool.target, settings)
    const gateOptions = {
      ...redisSubject(pool.target, label),
      deadlineMs,
      probeDeadlineMs: settings.connectTimeoutMs,
      onChange: () => this.#refresh(),
      clock,
      ...(breaker === undefined ? {} : { breaker }),
    }
    const { client } = pool
    this.#nodeGates = isCluster(client) ? new ClusterGates(client, gateOptions) : undefined
    this.#gate = new Gate({ ...gateOptions, probe: () => pool.verify(), onDead: () => this.#onDead() })
    this.#unlisten = pool.onChange(() => this.#follow())
    this.#follow()
  }

  get client(): RedisClient {
    return this.#pool.client
  }

  get available(): boolean {
    return this.#feed.available
  }

  get error(): Error | undefined {
    return this.#feed.error
  }

  get cluster(): boolean {
    return this.client.isCluster
  }

  get target(): string {
    return this.#pool.target.target
  }

  get db(): number {
    return this.#pool.target.db
  }

  run<Result>(command: (client: RedisClient) => Promise<Result>, options?: RedisCallOptions): Promise<Result> {
    const gate = options?.key === undefined || !this.#gate.available ? undefined : this.#nodeGates?.gateOf(options.key)
    return (gate ?? this.#gate).run(() => command(this.#pool.next()), options)
  }

  subscriber(): RedisClient {
    this.#subscriber ??= this.#open('subscriber')
    return this.#subscriber
  }

  blocking(): RedisClient {
    return this.#open('blocking')
  }

  dedicated(options?: DedicatedOptions): RedisClient {
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
    this.#feed.close()
    this.#gate.close()
    this.#nodeGates?.close()
    await this.#own.close()
    await this.#onClose()
  }

  #open(role: RedisRole, options?: DedicatedOptions): RedisClient {
    if (this.#closing !== undefined) throw this.#gate.unavailable()
    return this.#own.open(role, options)
  }

  #onDead(): void {
    this.#own.reset()
    this.#pool.reset(new BackendUnavailableError(`${this.#label} answers no more.`, { reason: 'deadline' }))
  }

  #follow(): void {
    const { verified, error } = this.#pool
    if (verified !== this.#gate.connected || !verified) this.#gate.setConnected(verified, error)
  }

  /** A Cluster of which no node that we use answers is away, whatever the client says. */
  #refresh(): void {
    const lost = this.#nodeGates?.lost
    this.#feed.update(this.#gate.available && lost === undefined, this.#gate.error ?? lost)
  }
}
