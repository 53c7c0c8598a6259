import type { Settled } from '../../outcome.js'

/** Who waits for the end of which task. */
export class MemoryWatchers {
  readonly #watchers = new Map<string, Set<(settled: Settled) => void>>()

  /** Calls `told` when a task ends; the answer takes it off again. */
  watch(id: string, told: (settled: Settled) => void): () => void {
    let watchers = this.#watchers.get(id)
    if (watchers === undefined) {
      watchers = new Set()
      this.#watchers.set(id, watchers)
    }
    const own = watchers
    own.add(told)
    return () => {
      own.delete(told)
      if (own.size === 0 && this.#watchers.get(id) === own) this.#watchers.delete(id)
    }
  }

  has(id: string): boolean {
    return this.#watchers.has(id)
  }

  /** Tells all who wait for a task how it ended. */
  tell(id: string, settled: Settled): void {
    const watchers = this.#watchers.get(id)
    if (watchers !== undefined) for (const told of [...watchers]) told(settled)
  }
}
