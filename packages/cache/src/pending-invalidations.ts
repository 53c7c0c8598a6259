import type { Address, CacheStore } from './cache-backend.js'
import { NAMESPACE_GUARD } from './keys/guards.js'

/** More than this, and everything is invalidated instead. */
const MAX_PENDING = 10_000

/**
 * Invalidations that could not be sent, to be sent when the backend is back. Until then, what they mean is not read.
 *
 * Bounded: when there are too many, they become one that means everything.
 */
export class PendingInvalidations {
  /** Each with the number of the call that added it last. */
  readonly #guards = new Map<string, number>()
  readonly #keys = new Map<string, number>()
  #added = 0

  get size(): number {
    return this.#guards.size + this.#keys.size
  }

  add({ guards = [], keys = [] }: { readonly guards?: readonly string[]; readonly keys?: readonly string[] }): void {
    const number = ++this.#added
    for (const guard of guards) this.#guards.set(guard, number)
    for (const key of keys) this.#keys.set(key, number)
    if (this.size <= MAX_PENDING) return
    this.#guards.clear()
    this.#keys.clear()
    this.#guards.set(NAMESPACE_GUARD, number)
  }

  /** Whether what stands there may be something that ought to be gone. */
  cover({ key, guards }: Address): boolean {
    return this.#keys.has(key) || this.coverGuards(guards)
  }

  coverGuards(guards: readonly string[]): boolean {
    return this.#guards.size > 0 && guards.some((guard) => this.#guards.has(guard))
  }

  /** Sends everything; what is added meanwhile is sent too, even if the same is being sent. Answers how many; keeps what was not confirmed. */
  async flush(store: CacheStore): Promise<number> {
    let sent = 0
    while (this.size > 0) {
      const guards = [...this.#guards]
      const keys = [...this.#keys]
      if (guards.length > 0) await store.stamp(guards.map(([guard]) => guard))
      if (keys.length > 0) await store.remove(keys.map(([key]) => key))
      forget(this.#guards, guards)
      forget(this.#keys, keys)
      sent += guards.length + keys.length
    }
    return sent
  }
}

/** Forgets what was sent, but for what was added again since. */
function forget(pending: Map<string, number>, sent: readonly (readonly [string, number])[]): void {
  for (const [name, number] of sent) if (pending.get(name) === number) pending.delete(name)
}
