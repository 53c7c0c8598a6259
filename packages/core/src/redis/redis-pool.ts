import type { ClientSettings } from './client-options.js'
import { LentLink } from './lent-link.js'
import type { RedisClient } from './redis-connection.js'
import { type Link, RedisLink } from './redis-link.js'
import type { ResolvedTarget } from './redis-target.js'

/** How a {@link RedisPool} is made. */
export interface PoolOptions {
  readonly target: ResolvedTarget
  readonly settings: ClientSettings
  readonly label: string
  readonly size: number
}

/**
 * The connections to one database of one server: ordinary commands take turns on those that are verified.
 *
 * One connection carries thousands of commands at a time; more of them help only where values are large.
 */
export class RedisPool {
  readonly target: ResolvedTarget
  readonly #options: PoolOptions
  readonly #links: Link[] = []
  readonly #listeners = new Set<() => void>()
  #turn = 0

  constructor(options: PoolOptions) {
    this.target = options.target
    this.#options = options
    this.grow(options.size)
  }

  get size(): number {
    return this.#links.length
  }

  /** Whether at least one connection is verified. */
  get verified(): boolean {
    return this.#links.some((link) => link.verified)
  }

  /** Why none is verified. */
  get error(): Error | undefined {
    return this.#links.find((link) => link.error !== undefined)?.error
  }

  /** The first client, which stays the same for the life of the pool. */
  get client(): RedisClient {
    return this.#first().client
  }

  /** The next verified client in turn; without one, the first. */
  next(): RedisClient {
    const links = this.#links
    for (let step = 0; step < links.length; step += 1) {
      this.#turn = (this.#turn + 1) % links.length
      const link = links[this.#turn]
      if (link?.verified === true) return link.client
    }
    return this.#first().client
  }

  /** Opens connections until there are `size`; a lent client stays the only one. */
  grow(size: number): void {
    const { target, settings, label } = this.#options
    const link = { target, settings, label, onChange: () => this.#tell() }
    if ('client' in target.place) {
      if (this.#links.length === 0) this.#links.push(new LentLink(target.place.client, link))
      return
    }
    while (this.#links.length < size) this.#links.push(new RedisLink(link))
  }

  /** Asks the server, over every verified connection, whether it is well. */
  async verify(): Promise<void> {
    await Promise.all(this.#links.filter((link) => link.verified).map((link) => link.verify()))
  }

  /** Makes every connection anew. */
  reset(error: Error): void {
    for (const link of this.#links) if (link.verified) link.reset(error)
  }

  /** Calls `listener` whenever {@link RedisPool.verified} or {@link RedisPool.error} may have changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()))
  }

  #first(): Link {
    const [link] = this.#links
    if (link === undefined) throw new RangeError('a pool has at least one connection')
    return link
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
