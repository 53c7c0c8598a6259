import type { LedgerEntry } from './ledger-entry.js'

/**
 * What a claim came to. `mine`: store the message under the id of `holder`, which is the claimant's own, or that of an
 * enqueue that was never heard of again. `pending`: another process is storing a task of that id at this moment.
 */
export interface ClaimVerdict {
  readonly state: 'mine' | 'duplicate' | 'pending'
  readonly holder: string
}

type Claim = Extract<LedgerEntry, { readonly t: 'claim' }>

/** One piece of the claims, as a snapshot holds it. */
export type ClaimsRecord =
  | readonly ['request', string, { readonly id: string; readonly until: number }]
  | readonly ['unique', string, string]
  | readonly ['sending', string, number]
  | readonly ['stored', string]

/** Whoever claimed an id and has not said what became of it after so long has died. Longer than an enqueue usually takes. */
export const SENDING_MS = 15_000

/** A claim that nobody followed up is forgotten after this long. */
const ABANDONED_MS = 24 * 3_600_000

/**
 * Which keys and ids are taken, and by which task.
 *
 * The claim comes first, the message second. When its claimant does not report that it was stored, the next one of the same
 * key stores a copy under the same id, and workers run only one of them.
 */
export class Claims {
  readonly #hasEnded: (id: string) => boolean
  readonly #requests = new Map<string, { readonly id: string; readonly until: number }>()
  readonly #unique = new Map<string, string>()
  readonly #sending = new Map<string, number>()
  readonly #stored = new Set<string>()
  #sweepAt = 1000

  constructor(hasEnded: (id: string) => boolean) {
    this.#hasEnded = hasEnded
  }

  claim({ id, at, known, request, unique }: Claim): ClaimVerdict {
    const earlier = request === undefined ? undefined : this.#requests.get(request.scope)
    const requested = earlier !== undefined && earlier.until > at ? earlier.id : undefined
    // What was requested under this very id may have ended and left nothing but its key.
    const isKnown =
      requested === id || (known === true && (this.#stored.has(id) || this.#sending.has(id) || this.#hasEnded(id)))
    const holder =
      (isKnown ? id : undefined) ?? requested ?? (unique === undefined ? undefined : this.#unique.get(unique)) ?? id
    if (request !== undefined && (earlier === undefined || earlier.until <= at)) {
      this.#requests.set(request.scope, { id: holder, until: request.until })
      this.#sweep(at)
    }
    const since = this.#sending.get(holder)
    if (since === undefined && (isKnown || holder !== id)) return { state: 'duplicate', holder }
    if (since !== undefined && at - since < SENDING_MS) return { state: 'pending', holder }
    if (unique !== undefined) this.#unique.set(unique, holder)
    this.#sending.set(holder, at)
    return { state: 'mine', holder }
  }

  /** A claimed message was stored, and confirmed. */
  stored(id: string): void {
    this.#sending.delete(id)
    this.#stored.add(id)
  }

  /** Whether a task of a key or an id of the caller's has been stored and has not ended. */
  isStored(id: string): boolean {
    return this.#stored.has(id)
  }

  /** Whether somebody claimed an id and has not said what became of it. */
  isSending(id: string): boolean {
    return this.#sending.has(id)
  }

  /** Nobody will ever say whether a claimed message was stored: the next of its keys stores it again, at once. */
  unsure(id: string): void {
    if (this.#sending.has(id)) this.#sending.set(id, 0)
  }

  /** A task has ended: only what outlives it stays taken. */
  ended(id: string, scopes: readonly string[]): void {
    this.#sending.delete(id)
    this.#stored.delete(id)
    for (const scope of scopes) if (this.#unique.get(scope) === id) this.#unique.delete(scope)
  }

  /** Lets go of some keys: of what was certainly not stored, or has started. */
  release(id: string, scopes: readonly string[]): void {
    this.#sending.delete(id)
    for (const scope of scopes) {
      if (this.#unique.get(scope) === id) this.#unique.delete(scope)
      if (this.#requests.get(scope)?.id === id) this.#requests.delete(scope)
    }
  }

  /** Lets go of the keys that hold only one task at a time. */
  releaseUnique(id: string): void {
    for (const [scope, holder] of this.#unique) if (holder === id) this.#unique.delete(scope)
  }

  *records(now: number): Generator<ClaimsRecord> {
    for (const [scope, held] of this.#requests) if (held.until > now) yield ['request', scope, held]
    for (const [scope, id] of this.#unique) yield ['unique', scope, id]
    for (const [id, since] of this.#sending) yield ['sending', id, since]
    for (const id of this.#stored) yield ['stored', id]
  }

  restore(record: ClaimsRecord): void {
    switch (record[0]) {
      case 'request':
        this.#requests.set(record[1], record[2])
        break
      case 'unique':
        this.#unique.set(record[1], record[2])
        break
      case 'sending':
        this.#sending.set(record[1], record[2])
        break
      default:
        this.#stored.add(record[1])
    }
  }

  /** Drops windows that are over; the next sweep comes after as many again, so a claim costs constant time on average. */
  #sweep(now: number): void {
    if (this.#requests.size < this.#sweepAt) return
    for (const [scope, { until }] of this.#requests) if (until <= now) this.#requests.delete(scope)
    for (const [id, since] of this.#sending) if (since <= now - ABANDONED_MS) this.#sending.delete(id)
    this.#sweepAt = Math.max(1000, this.#requests.size * 2)
  }
}
