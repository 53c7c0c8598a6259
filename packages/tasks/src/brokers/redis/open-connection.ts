import {
  type AvailabilityChange,
  BackendUnavailableError,
  type CallOptions,
  type Closable,
  withDeadline,
} from '@plinth/core'
import { createRedisHub, type RedisConnection, type RedisLease, type RedisLeaseOptions } from '@plinth/core/redis'

/** The connection of a broker: lent by the user, or opened by the broker when it is first needed. */
export class OpenConnection implements Closable {
  readonly #lent: RedisConnection | undefined
  readonly #options: RedisLeaseOptions | undefined
  readonly #listeners = new Set<(change: AvailabilityChange) => void>()
  #own: RedisLease | undefined
  #closed = false

  constructor(from: { readonly lent: RedisConnection } | { readonly options: RedisLeaseOptions }) {
    this.#lent = 'lent' in from ? from.lent : undefined
    this.#options = 'options' in from ? from.options : undefined
    this.#lent?.onChange((change) => this.#tell(change))
  }

  /** The connection, once there is one. */
  get opened(): RedisConnection | undefined {
    return this.#lent ?? this.#own
  }

  get target(): string | undefined {
    return this.opened?.target
  }

  /** The connection; it connects in the background when this is the first call. */
  connection(): RedisConnection {
    if (this.#lent !== undefined) return this.#lent
    if (this.#closed || this.#options === undefined) {
      throw new BackendUnavailableError('The Redis broker was closed.', { reason: 'closed' })
    }
    if (this.#own === undefined) {
      this.#own = createRedisHub().lease(this.#options)
      this.#own.onChange((change) => this.#tell(change))
    }
    return this.#own
  }

  /** Waits until the connection can be used; rejects when it cannot within the deadline (default 3 s), with the reason. */
  async ready({ deadlineMs = 3000, signal }: CallOptions = {}): Promise<void> {
    const connection = this.connection()
    if (connection.available) return
    const own = this.#own
    if (own === undefined)
      throw new BackendUnavailableError('The Redis of the tasks is not available.', { reason: 'closed' })
    const ready = await own.whenReady({ timeoutMs: deadlineMs, ...(signal === undefined ? {} : { signal }) })
    if (ready) return
    throw own.error ?? new BackendUnavailableError(`Redis at ${own.target} is not connected yet.`, { reason: 'closed' })
  }

  /**
   * The connection as soon as something is known of it: that it works, or that it does not (a call then fails at once).
   *
   * Only the very first calls wait, and no longer than their deadline.
   */
  async known({ deadlineMs = 3000, signal }: CallOptions): Promise<RedisConnection> {
    const connection = this.connection()
    const own = this.#own
    if (own === undefined || own.available || own.error !== undefined) return connection
    let off = (): void => {}
    const news = new Promise<void>((resolve) => {
      off = own.onChange(() => resolve())
    })
    const late = new BackendUnavailableError(`Redis at ${own.target} is not connected yet.`, { reason: 'closed' })
    try {
      await withDeadline(news, { deadlineMs, signal, onDeadline: () => late })
    } finally {
      off()
    }
    return connection
  }

  onChange(listener: (change: AvailabilityChange) => void): () => void {
    const own = (change: AvailabilityChange): void => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#own?.close()
  }

  #tell(change: AvailabilityChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
