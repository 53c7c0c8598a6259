import { isAway } from './away.js'
import type { CacheBackend, CacheStore, KeyMatcher, SweepOptions } from './cache-backend.js'
import { PatternMatchingNotSupportedError } from './cache-errors.js'
import type { InvalidateEvent } from './cache-events.js'
import { canonicalTagGuard, NAMESPACE_GUARD, prefixTarget } from './keys/guards.js'
import type { PendingInvalidations } from './pending-invalidations.js'
import type { Reporter } from './reporter.js'
import type { StoreTrust } from './store-trust.js'

/** What an invalidation means. */
export interface Invalidated {
  readonly guards?: readonly string[]
  readonly keys?: readonly string[]
}

/** What {@link Invalidations} work with. */
export interface InvalidationParts {
  readonly name: string
  readonly backend: CacheBackend
  readonly store: CacheStore
  readonly trust: StoreTrust
  readonly pending: PendingInvalidations
  readonly reporter: Reporter
  readonly prefixDepth: number
  /** What an invalidation that could not be sent does, besides being sent later: resolve, or reject. */
  readonly onInvalidationError: 'queue' | 'throw'
  /** Lets nobody join what is being computed for these keys, or for any. */
  readonly detach: (keys?: readonly string[]) => void
  /** Throws once the cache is closed. */
  readonly mustBeOpen: () => void
}

/** The invalidations of one cache: each is one step on the store, or, while that is away, kept until it can be sent. */
export class Invalidations {
  readonly #parts: InvalidationParts

  constructor(parts: InvalidationParts) {
    this.#parts = parts
  }

  /** Removes entries; answers how many there were. */
  async keys(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0
    return this.#invalidate('keys', { keys }, () => this.#parts.store.remove(keys))
  }

  /** Tags are canonical. */
  async tags(tags: readonly string[]): Promise<void> {
    const guards = [...new Set(tags.map(canonicalTagGuard))]
    if (guards.length > 0) await this.#invalidate('tags', { guards }, () => this.#stamp(guards))
  }

  async prefix(prefix: string): Promise<void> {
    const { store, prefixDepth } = this.#parts
    const { guard, keys } = prefixTarget(prefix, prefixDepth)
    await this.#invalidate('prefix', { guards: [guard], keys }, async () => {
      const [removed] = await Promise.all([store.remove(keys), store.stamp([guard])])
      return removed
    })
  }

  async everything(): Promise<void> {
    const guards = [NAMESPACE_GUARD]
    await this.#invalidate('namespace', { guards }, () => this.#stamp(guards))
  }

  /** Cannot be kept for later, for it answers what it found: it rejects when the backend is away. */
  async matching(matcher: KeyMatcher, options: SweepOptions = { dryRun: false }): Promise<number> {
    const { name, backend, store, reporter, detach, mustBeOpen } = this.#parts
    mustBeOpen()
    if (store.sweep === undefined) throw new PatternMatchingNotSupportedError(name, backend.name)
    const removed = await store.sweep(matcher, options)
    if (options.dryRun) return removed
    detach()
    reporter.invalidate('pattern', removed, false)
    return removed
  }

  /** What could not be sent is sent later, and not read until then. Throws what is no outage. */
  keepFor(what: Invalidated, operation: string, error: unknown): void {
    if (!isAway(error)) throw error
    const { pending, reporter, trust, detach } = this.#parts
    pending.add(what)
    detach(what.guards === undefined ? what.keys : undefined)
    reporter.failure(operation, error)
    trust.retrySoon()
  }

  async #stamp(guards: readonly string[]): Promise<undefined> {
    await this.#parts.store.stamp(guards)
  }

  async #invalidate(
    kind: InvalidateEvent['kind'],
    what: Invalidated,
    send: () => Promise<number | undefined>,
  ): Promise<number> {
    const { trust, reporter, detach, mustBeOpen, onInvalidationError } = this.#parts
    mustBeOpen()
    const count = (what.guards ?? what.keys ?? []).length
    if (!trust.trusted) await trust.ready()
    try {
      const removed = await send()
      detach(what.guards === undefined ? what.keys : undefined)
      reporter.invalidate(kind, count, false)
      return removed ?? 0
    } catch (error) {
      this.keepFor(what, kind, error)
      reporter.invalidate(kind, count, true)
      if (onInvalidationError === 'throw') throw error
      return 0
    }
  }
}
