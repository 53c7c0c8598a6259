import type { Claim, Ledger } from './ledger.js'

/** A key that the caller may send under, and what it must say afterwards. */
export interface HeldKey {
  readonly kind: 'held'
  /** When an earlier attempt ended without anybody knowing how, in milliseconds since the epoch; absent for the first. */
  readonly uncertainSince?: number | undefined
  /** Whether the shared store was away, so that only this process keeps repeats out. */
  readonly degraded: boolean
  sent(id: string): Promise<void>
  unknown(endedAt: number): Promise<void>
  release(): Promise<void>
}

/** What became of asking for a key. */
export type KeyAnswer = HeldKey | { readonly kind: 'sent'; readonly id: string } | { readonly kind: 'busy' }

/**
 * Idempotency keys over two ledgers: this process's own, and one that all processes share.
 *
 * The own one answers first and takes over while the shared one is away; what was sent is told to both.
 */
export class Claims {
  readonly #local: Ledger
  readonly #shared: Ledger | undefined
  readonly #onTrouble: (error: unknown) => void

  constructor(local: Ledger, shared: Ledger | undefined, onTrouble: (error: unknown) => void) {
    this.#local = local
    this.#shared = shared
    this.#onTrouble = onTrouble
  }

  async claim(key: string): Promise<KeyAnswer> {
    const local = await this.#local.claim(key)
    if (local.kind === 'sent' || local.kind === 'busy') return local
    const shared = await this.#askShared(key)
    if (shared?.kind === 'busy') {
      await this.#giveBack(key, local)
      return shared
    }
    if (shared?.kind === 'sent') {
      await this.#local.sent(key, shared.id)
      return shared
    }
    return this.#hold(key, local, shared)
  }

  async #askShared(key: string): Promise<Claim | undefined> {
    const shared = this.#shared
    if (shared === undefined) return undefined
    return this.#attempt(() => shared.claim(key))
  }

  async #giveBack(key: string, claim: Taken): Promise<void> {
    if (claim.kind === 'first') await this.#local.release(key, claim.attempt)
    else await this.#local.unknown(key, claim.attempt, claim.endedAt)
  }

  #hold(key: string, local: Taken, shared: Taken | undefined): HeldKey {
    const ends = [local, shared].map((claim) => (claim?.kind === 'uncertain' ? claim.endedAt : 0))
    const uncertainSince = Math.max(...ends)
    const both = async (tell: (ledger: Ledger, attempt: string) => Promise<void>): Promise<void> => {
      await tell(this.#local, local.attempt)
      const ledger = this.#shared
      if (ledger !== undefined) await this.#attempt(() => tell(ledger, shared?.attempt ?? local.attempt))
    }
    return {
      kind: 'held',
      uncertainSince: uncertainSince === 0 ? undefined : uncertainSince,
      degraded: this.#shared !== undefined && shared === undefined,
      sent: (id) => both((ledger) => ledger.sent(key, id)),
      unknown: (endedAt) => both((ledger, attempt) => ledger.unknown(key, attempt, endedAt)),
      release: () => both((ledger, attempt) => ledger.release(key, attempt)),
    }
  }

  async #attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      this.#onTrouble(error)
      return undefined
    }
  }
}

type Taken = Extract<Claim, { readonly attempt: string }>
