import type { Redis } from 'ioredis'
import { withDeadline } from '../deadline.js'
import { type ClientSettings, type RedisRole, reconnectDelay } from './client-options.js'
import { createClient, isCluster } from './create-client.js'
import { endClient } from './end-client.js'
import type { DedicatedOptions, RedisClient } from './redis-connection.js'
import type { ResolvedTarget } from './redis-target.js'

const HEARTBEAT_MS = 5000

/**
 * The clients that one lease opened for itself, beside the pool: they end with it.
 *
 * A connection that only listens never notices that the other side is gone. Subscribers and dedicated clients are asked
 * every five seconds and made anew when they do not answer; blocking ones cannot be asked while they block, and are made
 * anew when the shared connection was found dead.
 */
export class OwnClients {
  readonly #target: ResolvedTarget
  readonly #settings: ClientSettings
  readonly #clients = new Set<RedisClient>()

  constructor(target: ResolvedTarget, settings: ClientSettings) {
    this.#target = target
    this.#settings = settings
  }

  open(role: RedisRole, options: DedicatedOptions = {}): RedisClient {
    let attempts = 0
    const nextDelayMs = (): number => reconnectDelay(++attempts)
    const client = createClient(this.#target, { role, settings: this.#settings, nextDelayMs, ...options })
    const heartbeat = role === 'blocking' ? undefined : setInterval(() => void this.#beat(client), HEARTBEAT_MS).unref()
    client.on('ready', () => {
      attempts = 0
    })
    // the shared connection tells of the outage; ioredis prints what nobody listens to
    client.on('error', () => {})
    client.on('end', () => {
      clearInterval(heartbeat)
      this.#clients.delete(client)
    })
    this.#clients.add(client)
    return client
  }

  /** Makes every connection anew: the server was found dead. */
  reset(): void {
    for (const client of this.#clients) if (client.status === 'ready') client.disconnect(true)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map(endClient))
  }

  async #beat(client: RedisClient): Promise<void> {
    const listening = isCluster(client) ? subscriberOf(client) : client
    if (listening?.status !== 'ready') return
    const onDeadline = (): Error => new Error('no heartbeat')
    try {
      await withDeadline(listening.ping(), { deadlineMs: this.#settings.connectTimeoutMs, onDeadline })
    } catch {
      // the Cluster client picks another node for its subscriptions by itself
      listening.disconnect(!isCluster(client))
    }
  }
}

/** Where a Cluster client keeps its subscriptions is its own affair, but only it can be asked whether it still listens. */
function subscriberOf(client: RedisClient): Redis | undefined {
  const subscriber: unknown = Reflect.get(client, 'subscriber')
  if (typeof subscriber !== 'object' || subscriber === null || !('getInstance' in subscriber)) return undefined
  return (subscriber as { getInstance(): Redis | undefined }).getInstance() ?? undefined
}
