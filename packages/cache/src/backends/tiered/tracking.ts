import type { RedisClient, RedisConnection } from '@plinth/core/redis'

/** What a {@link Tracking} tells. */
export interface TrackingListener {
  /** These keys changed, expired or were evicted, whoever did it. */
  changed(keys: readonly string[]): void
  /** Anything may have changed: the connection was lost, or everything was flushed. */
  lost(): void
}

/**
 * Hears from the server of every change under some prefixes (server-assisted client-side caching in broadcast mode).
 *
 * It takes a connection of its own, of RESP2: tracking is switched on before it subscribes, anew after every reconnect.
 */
export class Tracking {
  readonly #client: RedisClient
  readonly #prefixes: readonly string[]
  readonly #listener: TrackingListener
  #live = false

  constructor(connection: RedisConnection, prefixes: readonly string[], listener: TrackingListener) {
    this.#prefixes = prefixes
    this.#listener = listener
    this.#client = connection.dedicated({ protocol: 2, resubscribe: false })
    this.#client.on('ready', () => void this.#begin())
    this.#client.on('close', () => this.#lose())
    this.#client.on('end', () => this.#lose())
    // A list of keys comes only as bytes: as text it would be joined by commas.
    this.#client.on('messageBuffer', (_channel: Buffer, message: unknown) => this.#hear(message))
    if (this.#client.status === 'ready') void this.#begin()
  }

  /** Whether every change is heard of now. */
  get live(): boolean {
    return this.#live
  }

  close(): void {
    this.#lose()
    this.#client.disconnect()
  }

  async #begin(): Promise<void> {
    try {
      const id = String(await this.#client.client('ID'))
      const prefixes = this.#prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await this.#client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes)
      await this.#client.subscribe('__redis__:invalidate')
      this.#listener.lost()
      this.#live = true
    } catch {
      this.#lose() // a server that cannot track: reads go there every time
    }
  }

  #lose(): void {
    this.#live = false
    this.#listener.lost()
  }

  #hear(message: unknown): void {
    if (Array.isArray(message)) this.#listener.changed(message.map(String))
    else this.#listener.lost()
  }
}
