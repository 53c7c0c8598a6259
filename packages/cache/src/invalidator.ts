import { isAway } from './away.js'
import type { CacheStore, KeyMatcher, SweepOptions } from './cache-backend.js'
import { canonicalTagGuard, NAMESPACE_GUARD, prefixTarget } from './keys/guards.js'
import type { ReadThrough } from './read-through.js'
import type { Reporter } from './reporter.js'

/** Sends invalidations to a store; nobody in this process joins what was computed from before them. */
export class Invalidator {
  readonly #store: CacheStore
  readonly #reads: ReadThrough
  readonly #reporter: Reporter
  readonly #prefixDepth: number

  constructor(parts: {
    readonly store: CacheStore
    readonly reads: ReadThrough
    readonly reporter: Reporter
    readonly prefixDepth: number
  }) {
    this.#store = parts.store
    this.#reads = parts.reads
    this.#reporter = parts.reporter
    this.#prefixDepth = parts.prefixDepth
  }

  async keys(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0
    const removed = await this.#store.remove(keys)
    this.#reads.detach(keys)
    this.#reporter.invalidate('keys', keys.length, false)
    return removed
  }

  /** Tags are canonical. */
  async tags(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    await this.#store.stamp([...new Set(tags.map(canonicalTagGuard))])
    this.#reads.detach()
    this.#reporter.invalidate('tags', tags.length, false)
  }

  async prefix(prefix: string): Promise<void> {
    const { guard, keys } = prefixTarget(prefix, this.#prefixDepth)
    await Promise.all([this.#store.stamp([guard]), this.#store.remove(keys)])
    this.#reads.detach()
    this.#reporter.invalidate('prefix', 1, false)
  }

  async namespace(): Promise<void> {
    await this.#store.stamp([NAMESPACE_GUARD])
    this.#reads.detach()
    this.#reporter.invalidate('namespace', 1, false)
  }

  /** `undefined` when the store cannot list its keys. */
  async matching(matcher: KeyMatcher, options: SweepOptions): Promise<number | undefined> {
    if (this.#store.sweep === undefined) return undefined
    const removed = await this.#store.sweep(matcher, options)
    this.#reads.detach()
    this.#reporter.invalidate('pattern', removed, false)
    return removed
  }

  /** A write failed half way, perhaps: what is there now may be old. */
  async distrust(keys: readonly string[], error: unknown): Promise<void> {
    if (!isAway(error)) throw error
    this.#reporter.failure('write', error)
    this.#reads.detach(keys)
  }
}
