import { withDeadline } from '../deadline.js'
import { classifyFault } from '../faults/classify-fault.js'
import { BackendUnavailableError, MisconfiguredError } from '../infra-error.js'
import { toInfraError } from '../to-infra-error.js'
import { type ClientSettings, reconnectDelay } from './client-options.js'
import { createClient, isCluster } from './create-client.js'
import { endClient } from './end-client.js'
import type { RedisClient } from './redis-connection.js'
import { type ResolvedTarget, redisSubject } from './redis-target.js'
import { watchSilence } from './silence-watch.js'
import { verifyRedis } from './verify-redis.js'

/** How a {@link RedisLink} is made, and whom it tells. */
export interface LinkOptions {
  readonly target: ResolvedTarget
  readonly settings: ClientSettings
  /** For messages: `Redis at 127.0.0.1:6379/0`. */
  readonly label: string
  /** {@link RedisLink.verified} or {@link RedisLink.error} changed. */
  readonly onChange: () => void
}

/** One connection of a pool. */
export interface Link {
  readonly client: RedisClient
  /** Whether commands may be sent: connected, and the right database on a server that takes writes. */
  readonly verified: boolean
  /** Why it is not verified: a `MisconfiguredError` or a `BackendUnavailableError`. */
  readonly error: Error | undefined
  /** Asks the server once more whether it is well; rejects when not. */
  verify(): Promise<void>
  /** Drops the connection and makes a new one: it answers no more. */
  reset(error: Error): void
  /** Closes for good, waiting a moment for what is under way. */
  close(): Promise<void>
}

/** A mistake is looked at again this rarely: a password may have been rotated meanwhile. */
const MISTAKE_RETRY_MS = 30_000

/**
 * One client, kept connected for ever, and verified after every `ready` before it counts.
 *
 * ioredis alone is not enough: it calls itself ready on the wrong database when `SELECT` failed, it waits without end for
 * a server that accepts and stays silent, and it gives up for good when a connector throws.
 */
export class RedisLink implements Link {
  readonly client: RedisClient
  readonly #options: LinkOptions
  #verified = false
  #closed = false
  #attempts = 0
  #error: Error | undefined
  #watchdog: NodeJS.Timeout | undefined
  readonly #endSilenceWatch: () => void

  constructor(options: LinkOptions) {
    this.#options = options
    this.client = createClient(options.target, {
      role: 'shared',
      settings: options.settings,
      nextDelayMs: () => this.#nextDelayMs(),
    })
    this.#endSilenceWatch = this.#watchSilence()
    this.#listen()
    this.#watch('connecting')
  }

  get verified(): boolean {
    return this.#verified
  }

  get error(): Error | undefined {
    return this.#error
  }

  verify(): Promise<void> {
    return verifyRedis(this.client, this.#options.target)
  }

  reset(error: Error): void {
    if (this.#closed) return
    this.#lose(error)
    this.client.disconnect(true)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#unwatch()
    this.#endSilenceWatch()
    this.#verified = false
    await endClient(this.client)
  }

  #listen(): void {
    const { client } = this
    client.on('error', (error: unknown) => this.#onError(error))
    client.on('connecting', () => this.#watch('connecting'))
    client.on('connect', () => this.#watch('the handshake'))
    client.on('ready', () => void this.#onReady())
    client.on('close', () => this.#onClose())
    client.on('end', () => this.#onEnd())
    if (isCluster(client)) client.on('node error', (error: unknown) => this.#onError(error))
  }

  #onError(error: unknown): void {
    if (this.#closed) return
    const fault = this.#describe(error)
    const { rule } = classifyFault(error, 'redis')
    // every node but the last may fail while a Cluster is well
    if (isCluster(this.client) && this.#verified) return
    this.#remember(fault)
    // ioredis would go on and write to DB 0
    if (rule?.id === 'redis/db-out-of-range' || rule?.id === 'redis/db-on-cluster') this.client.disconnect(true)
  }

  async #onReady(): Promise<void> {
    if (this.#closed) return
    this.#unwatch()
    const { connectTimeoutMs } = this.#options.settings
    try {
      await withDeadline(this.verify(), {
        deadlineMs: connectTimeoutMs,
        onDeadline: () => this.#silent('verification'),
      })
    } catch (error) {
      if (this.#closed || this.client.status !== 'ready') return
      this.reset(this.#describe(error))
      return
    }
    if (this.#closed || this.client.status !== 'ready') return
    this.#attempts = 0
    this.#error = undefined
    this.#verified = true
    this.#options.onChange()
  }

  #onClose(): void {
    if (this.#closed) return
    this.#unwatch()
    this.#lose(
      this.#error ?? new BackendUnavailableError(`${this.#options.label} closed the connection.`, { reason: 'closed' }),
    )
  }

  /** ioredis ends by itself when a connector throws; a connection of the house never gives up. */
  #onEnd(): void {
    if (this.#closed) return
    this.#unwatch()
    this.#watchdog = setTimeout(() => {
      if (this.client.status === 'end') this.client.connect().catch(() => {})
    }, this.#nextDelayMs()).unref()
  }

  #lose(error: Error): void {
    const was = this.#verified
    this.#verified = false
    if (was) this.#error = error
    this.#remember(error)
    if (was) this.#options.onChange()
  }

  /** A mistake outlasts the "connection is closed" that follows it. */
  #remember(error: Error): void {
    if (this.#error instanceof MisconfiguredError && !(error instanceof MisconfiguredError)) {
      const { cause } = error
      if (!(cause instanceof Error) || !('code' in cause)) return
    }
    const changed = this.#error?.name !== error.name
    this.#error = error
    if (changed && !this.#verified) this.#options.onChange()
  }

  #nextDelayMs(): number {
    this.#attempts += 1
    return this.#error instanceof MisconfiguredError ? MISTAKE_RETRY_MS : reconnectDelay(this.#attempts)
  }

  /** A server that accepts and stays silent would keep ioredis waiting without end. */
  #watch(stage: string): void {
    if (this.#closed) return
    this.#unwatch()
    const { connectTimeoutMs } = this.#options.settings
    this.#watchdog = setTimeout(() => {
      if (this.client.status === 'ready' || this.client.status === 'reconnecting') return
      this.reset(this.#silent(stage))
    }, connectTimeoutMs + 50).unref()
  }

  #unwatch(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = undefined
  }

  /** For what is asked outside of a gate; inside one, its probes notice sooner. On Cluster each node's client watches itself. */
  #watchSilence(): () => void {
    const { client } = this
    const { socketTimeoutMs } = this.#options.settings
    if (isCluster(client)) return () => {}
    return watchSilence(client, socketTimeoutMs, () => this.reset(this.#silent('a command', socketTimeoutMs)))
  }

  #silent(stage: string, withinMs: number = this.#options.settings.connectTimeoutMs): BackendUnavailableError {
    const { label } = this.#options
    return new BackendUnavailableError(`${label} did not answer within ${withinMs} ms (${stage}).`, {
      reason: 'deadline',
    })
  }

  #describe(error: unknown): Error {
    const { label, target } = this.#options
    return toInfraError(error, redisSubject(target, label))
  }
}
