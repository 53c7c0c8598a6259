/** How long requests for a key do not wait for one another once its answer could not be stored, in milliseconds. */
const REMEMBERED_MS = 10_000
const MAX_KEYS = 10_000

/**
 * Remembers for a while which answers could not be stored, so that requests for them run side by side instead of in a queue.
 *
 * To wait for another request makes sense only while its answer may be shared.
 */
export class RefusalMemory {
  readonly #until = new Map<string, number>()

  remembers(key: string, now: number): boolean {
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (until > now) return true
    this.#until.delete(key)
    return false
  }

  remember(key: string, now: number): void {
    this.#until.delete(key)
    this.#until.set(key, now + REMEMBERED_MS)
    if (this.#until.size <= MAX_KEYS) return
    const oldest = this.#until.keys().next()
    if (oldest.done !== true) this.#until.delete(oldest.value)
  }
}
