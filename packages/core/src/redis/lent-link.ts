import { withDeadline } from '../deadline.js'
import { BackendUnavailableError } from '../infra-error.js'
import { toInfraError } from '../to-infra-error.js'
import type { RedisClient } from './redis-connection.js'
import type { Link, LinkOptions } from './redis-link.js'
import { redisSubject } from './redis-target.js'
import { verifyRedis } from './verify-redis.js'

/** A client that somebody lent: watched and verified, but connected, reset and closed by its owner alone. */
export class LentLink implements Link {
  readonly client: RedisClient
  readonly #options: LinkOptions
  readonly #handlers: readonly (readonly [event: string, handler: (error?: unknown) => void])[]
  #verified = false
  #error: Error | undefined

  constructor(client: RedisClient, options: LinkOptions) {
    this.client = client
    this.#options = options
    this.#handlers = [
      ['ready', () => void this.#onReady()],
      ['close', () => this.#lose(this.#error)],
      ['end', () => this.#lose(this.#error)],
      ['error', (error) => this.#onError(error)],
    ]
    for (const [event, handler] of this.#handlers) client.on(event, handler)
    if (client.status === 'ready') void this.#onReady()
    // a lazy client of its owner would never connect by itself
    else if (client.status === 'wait') client.connect().catch(() => {})
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

  /** Its owner's client reconnects as its owner told it to. */
  reset(error: Error): void {
    this.#lose(error)
    void this.#onReady()
  }

  async close(): Promise<void> {
    for (const [event, handler] of this.#handlers) this.client.off(event, handler)
    this.#verified = false
  }

  async #onReady(): Promise<void> {
    const { settings } = this.#options
    try {
      await withDeadline(this.verify(), { deadlineMs: settings.connectTimeoutMs, onDeadline: () => this.#away() })
    } catch (error) {
      this.#lose(this.#describe(error))
      return
    }
    if (this.client.status !== 'ready') return
    this.#error = undefined
    this.#verified = true
    this.#options.onChange()
  }

  #onError(error: unknown): void {
    if (!this.#verified) this.#lose(this.#describe(error))
  }

  #lose(error: Error | undefined): void {
    this.#verified = false
    this.#error = error ?? this.#away()
    this.#options.onChange()
  }

  #describe(error: unknown): Error {
    const { label, target } = this.#options
    return toInfraError(error, redisSubject(target, label))
  }

  #away(): BackendUnavailableError {
    return new BackendUnavailableError(`${this.#options.label} is away.`, { reason: 'closed' })
  }
}
