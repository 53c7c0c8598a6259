import type { Closable, Logger, Readiness } from '@plinth/core'
import type { MemcachedSettings, RedisSettings } from '@plinth/core/config'
import type { MemcachedConnection } from '@plinth/core/memcached'
import type { RedisConnection, RedisHub } from '@plinth/core/redis'

/** A connection on loan: usable at once, connected soon. */
export type Lent<Connection> = Connection & Readiness

/**
 * Opens what components need, and closes it after them.
 *
 * Components that mean the same Redis database share one pool. A client library is loaded when the first component asks for it.
 */
export class Connections implements Closable {
  readonly #logger: Logger
  readonly #opened: Closable[] = []
  #hub: Promise<RedisHub> | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Lends the Redis that `settings` mean. Throws a `MisconfiguredError` for what contradicts itself or another loan. */
  async redis(settings: RedisSettings, owner: string): Promise<Lent<RedisConnection>> {
    this.#hub ??= this.#openHub()
    const hub = await this.#hub
    return hub.lease({ ...settings, owner, connectionName: `plinth:${owner}` })
  }

  /** Lends the Memcached servers that `settings` mean. */
  async memcached(settings: MemcachedSettings, owner: string): Promise<Lent<MemcachedConnection>> {
    const { openMemcached } = await import('@plinth/core/memcached')
    const connection = openMemcached({ ...settings, owner })
    this.#opened.push(connection)
    return connection
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((connection) => connection.close()))
  }

  async #openHub(): Promise<RedisHub> {
    const { createRedisHub } = await import('@plinth/core/redis')
    const hub = createRedisHub({ logger: this.#logger })
    this.#opened.push(hub)
    return hub
  }
}
