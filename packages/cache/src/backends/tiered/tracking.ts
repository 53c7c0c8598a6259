import { withDeadline } from '@plinth/core'
import type { RedisClient } from '@plinth/core/redis'
import { BEAT_MS, type Coherence, type CoherenceListener } from './coherence.js'

/**
 * Hears from one server of every change under some prefixes (server-assisted client-side caching in broadcast mode).
 *
 * It takes a client of its own, of RESP2: tracking is switched on before it subscribes, anew after every reconnect. A connection that
 * breaks without a sign (a cable, a firewall) looks like one on which nothing happens. So it is asked every second: messages come in order,
 * and an answer says that everything before it was heard.
 */
export class Tracking implements Coherence {
  readonly #client: RedisClient
  readonly #prefixes: readonly string[]
  readonly #listener: CoherenceListener
  readonly #heartbeat: NodeJS.Timeout
  #live = false
  /** Which connection it is: what was begun on an earlier one says nothing. */
  #connection = 0

  constructor(client: RedisClient, prefixes: readonly string[], listener: CoherenceListener) {
    this.#client = client
    this.#prefixes = prefixes
    this.#listener = listener
    client.on('ready', () => void this.#begin())
    client.on('close', () => this.#lose())
    client.on('end', () => this.#lose())
    // A list of keys comes only as bytes: as text it would be joined by commas.
    client.on('messageBuffer', (_channel: Buffer, message: unknown) => this.#hear(message))
    this.#heartbeat = setInterval(() => void this.#beat(), BEAT_MS).unref()
    if (client.status === 'ready') void this.#begin()
  }

  get live(): boolean {
    return this.#live
  }

  close(): void {
    clearInterval(this.#heartbeat)
    this.#lose()
    this.#client.disconnect()
  }

  async #begin(): Promise<void> {
    const connection = ++this.#connection
    let isTracking = false
    try {
      const id = String(await this.#client.client('ID'))
      const prefixes = this.#prefixes.flatMap((prefix) => ['PREFIX', prefix])
      await this.#client.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...prefixes)
      await this.#client.subscribe('__redis__:invalidate')
      isTracking = true
    } catch {
      // A server that cannot track: reads go there every time.
    }
    if (connection !== this.#connection) return
    this.#listener.lost()
    this.#live = isTracking
  }

  async #beat(): Promise<void> {
    if (!this.#live) return
    const connection = this.#connection
    const onDeadline = (): Error => new Error('no answer')
    try {
      await withDeadline(this.#client.ping(), { deadlineMs: BEAT_MS, onDeadline })
    } catch {
      if (connection !== this.#connection) return
      this.#lose()
      this.#client.disconnect(true)
    }
  }

  #lose(): void {
    this.#connection++
    this.#live = false
    this.#listener.lost()
  }

  #hear(message: unknown): void {
    if (Array.isArray(message)) this.#listener.changed(message.map(String))
    else this.#listener.lost()
  }
}
