import type { Recovery } from './cache.js'
import type { CacheBackend, CacheStore } from './cache-backend.js'
import type { PendingInvalidations } from './pending-invalidations.js'
import type { Reporter } from './reporter.js'
import { waitFor } from './wait-for.js'

const RETRY_MS = { first: 200, most: 5_000 }
/** How long the first caller waits for a backend that is just being connected. */
const FIRST_WAIT_MS = 500

/**
 * Whether what a store answers can be trusted: not before it was verified, not while its backend is away, and after an outage not
 * until it was verified again and has received every invalidation that was kept meanwhile.
 */
export class StoreTrust {
  readonly #backend: CacheBackend
  readonly #store: CacheStore
  readonly #pending: PendingInvalidations
  readonly #reporter: Reporter
  readonly #listeners = new Set<(recovery: Recovery) => void>()
  readonly #unlisten: () => void
  #trusted = false
  #lostAt: number | undefined
  /** How often the backend was lost: what was verified before says nothing after. */
  #losses = 0
  #checking: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #retryMs = RETRY_MS.first
  #closed = false

  constructor(parts: {
    readonly backend: CacheBackend
    readonly store: CacheStore
    readonly pending: PendingInvalidations
    readonly reporter: Reporter
  }) {
    this.#backend = parts.backend
    this.#store = parts.store
    this.#pending = parts.pending
    this.#reporter = parts.reporter
    this.#unlisten = parts.backend.onChange(({ available }) => {
      if (available) this.#begin()
      else this.#lose()
    })
  }

  /** Whether reads may be asked now. */
  get trusted(): boolean {
    return this.#trusted
  }

  /** Waits for the first verification; during a later outage answers false at once. */
  async ready(): Promise<boolean> {
    if (this.#trusted) return true
    if (this.#lostAt === undefined) {
      this.#begin()
      await this.#checking
    }
    return this.#trusted
  }

  /** An invalidation is pending: send it as soon as the backend takes it. */
  retrySoon(): void {
    if (this.#closed || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      if (this.#backend.available) this.#begin()
    }, this.#retryMs)
    this.#retry.unref()
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most)
  }

  onRecovered(listener: (recovery: Recovery) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#trusted = false
    clearTimeout(this.#retry)
    this.#unlisten()
  }

  #lose(): void {
    this.#trusted = false
    this.#losses++
    this.#lostAt ??= performance.now()
  }

  #begin(): void {
    if (this.#closed) return
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
  }

  async #check(): Promise<void> {
    const losses = this.#losses
    try {
      const lostAt = this.#lostAt
      if (lostAt === undefined && !this.#backend.available) await this.#connected()
      const intact = this.#trusted || (await this.#store.verify())
      const replayed = await this.#pending.flush(this.#store)
      if (this.#closed) return
      if (this.#losses !== losses) {
        this.retrySoon() // should it be back already: nobody else begins
        return
      }
      this.#trusted = true
      this.#lostAt = undefined
      this.#retryMs = RETRY_MS.first
      if (lostAt !== undefined) {
        this.#tell({ downForMs: performance.now() - lostAt, replayed, generationBumped: !intact })
      }
    } catch (error) {
      this.#reporter.failure('recover', error)
      if (!this.#trusted) this.#lose()
      this.retrySoon()
    }
  }

  async #connected(): Promise<void> {
    let stop: (() => void) | undefined
    await waitFor((wake) => {
      stop = this.#backend.onChange(({ available }) => {
        if (available) wake()
      })
    }, FIRST_WAIT_MS)
    stop?.()
  }

  #tell(recovery: Recovery): void {
    for (const listener of [...this.#listeners]) listener(recovery)
  }
}
