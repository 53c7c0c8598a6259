import type { RedisConnection } from '@plinth/core/redis'
import { waitFor } from '../../wait-for.js'

/**
 * Wakes those who wait for a lease to end, by one subscription for a whole namespace, begun when somebody first waits.
 *
 * A message may be lost (while reconnecting, before the subscription stands), so that waiting always has an end of its own.
 */
export class RedisWaiters {
  readonly #connection: RedisConnection
  readonly #channel: string
  readonly #waiting = new Map<string, Set<() => void>>()
  #stop: (() => void) | undefined

  constructor(connection: RedisConnection, channel: string) {
    this.#connection = connection
    this.#channel = channel
  }

  async wait(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    this.#listen()
    let own: (() => void) | undefined
    await waitFor(
      (wake) => {
        own = wake
        const others = this.#waiting.get(key)
        if (others === undefined) this.#waiting.set(key, new Set([wake]))
        else others.add(wake)
      },
      timeoutMs,
      signal,
    )
    const left = this.#waiting.get(key)
    if (own !== undefined) left?.delete(own)
    if (left?.size === 0) this.#waiting.delete(key)
  }

  close(): void {
    this.#stop?.()
    this.#stop = undefined
    for (const key of [...this.#waiting.keys()]) this.#wake(key)
  }

  #listen(): void {
    if (this.#stop !== undefined) return
    const channel = this.#channel
    const onMessage = (from: string, key: string): void => {
      if (from === channel) this.#wake(key)
    }
    this.#stop = () => {}
    try {
      const client = this.#connection.subscriber()
      client.on('message', onMessage)
      client.subscribe(channel).catch(() => {}) // polling does without
      this.#stop = () => {
        client.off('message', onMessage)
        client.unsubscribe(channel).catch(() => {})
      }
    } catch {
      // A connection that was closed has no subscriber; polling does without.
    }
  }

  #wake(key: string): void {
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    for (const wake of waiting ?? []) wake()
  }
}
