import type { Closable } from '@plinth/core'
import type { RedisClient, RedisConnection } from '@plinth/core/redis'
import type { Settled } from '../../outcome.js'

/** What processes of one broker tell each other. Nothing depends on its arrival: whoever waits asks again. */
export type ControlMessage =
  /** To every worker: end this task if you run it. */
  | { readonly type: 'cancel'; readonly id: string; readonly reason?: string }
  /** To every worker: tell `replyTo` when this task ends. Repeated while somebody waits. */
  | { readonly type: 'watch'; readonly id: string; readonly replyTo: string }
  /** To whoever waits: this task has ended; without `settled`, go and look. */
  | { readonly type: 'ended'; readonly id: string; readonly settled?: Settled }

/** Messages between the processes of one broker, over Redis publish/subscribe. */
export class RedisControl {
  /** The channel that every worker listens to. */
  readonly workers: string
  /** The channel that everybody who waits listens to. */
  readonly waiters: string
  readonly #connection: RedisConnection
  readonly #listeners = new Map<string, Set<(message: ControlMessage) => void>>()
  readonly #afterGaps = new Set<() => void>()
  #subscribed = false

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection
    // Channels know no database: two brokers on two databases of one server must not hear each other.
    this.workers = `${prefix}:control:${connection.db}:workers`
    this.waiters = `${prefix}:control:${connection.db}:waiters`
  }

  /** Sends to whoever listens to a channel now. */
  async send(channel: string, message: ControlMessage): Promise<void> {
    await this.#connection.run((client) => client.publish(channel, JSON.stringify(message)))
  }

  /** Listens to a channel; resolves when the server has confirmed it, or at once while it is away (it is repeated then). */
  async listen(channel: string, listener: (message: ControlMessage) => void): Promise<Closable> {
    const subscriber = this.#connection.subscriber()
    if (!this.#subscribed) {
      this.#subscribed = true
      subscriber.on('message', (from: string, text: string) => this.#dispatch(from, text))
      subscriber.on('ready', () => this.#afterGap(subscriber))
    }
    let listeners = this.#listeners.get(channel)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(channel, listeners)
    }
    const own = listeners
    own.add(listener)
    const confirmed = subscriber.subscribe(channel).catch(() => {}) // repeated by the client after every reconnect
    if (this.#connection.available) await confirmed
    return {
      close: async () => {
        own.delete(listener)
      },
    }
  }

  /** Calls `look` whenever messages may have been missed and are heard again; the answer takes it off. */
  onAfterGap(look: () => void): () => void {
    this.#afterGaps.add(look)
    return () => this.#afterGaps.delete(look)
  }

  #afterGap(subscriber: RedisClient): void {
    // Only when the server has confirmed is everything heard that is said from then on.
    const channels = [...this.#listeners.keys()]
    if (this.#afterGaps.size === 0 || channels.length === 0) return
    subscriber.subscribe(...channels).then(
      () => {
        for (const look of [...this.#afterGaps]) look()
      },
      () => {}, // cut again: its next turn comes
    )
  }

  #dispatch(channel: string, text: string): void {
    const listeners = this.#listeners.get(channel)
    if (listeners === undefined) return
    let message: ControlMessage
    try {
      message = JSON.parse(text) as ControlMessage
    } catch {
      return // not ours
    }
    for (const listener of [...listeners]) listener(message)
  }
}
