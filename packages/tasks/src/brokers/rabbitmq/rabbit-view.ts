import type { Settled } from '../../outcome.js'
import type { DeadEntry, LedgerEntry } from './rabbit-ledger.js'

/**
 * What a claim came to: the id of the task that holds its keys, and whether somebody is storing a task of that id at this
 * moment, so that it is to be asked again when that has come to an end.
 */
export type ClaimVerdict = { readonly holder: string; readonly pending?: true }

/** What is known of a running task. */
export type RunningEntry = Extract<LedgerEntry, { readonly t: 'running' }>

/** Whoever claimed an id and has not said what became of it after so long has died. Longer than an enqueue usually takes. */
export const SENDING_MS = 15_000

/** So many ended tasks are remembered. */
const MOST_ENDED = 10_000

/** The view that every process comes to by reading the ledger. */
export class RabbitView {
  readonly ended: Map<string, Settled> = new Map()
  readonly dead: Map<string, DeadEntry> = new Map()
  readonly cancelled: Map<string, string | undefined> = new Map()
  readonly board: Map<string, string> = new Map()
  readonly memos: Map<string, Map<string, string>> = new Map()
  readonly #requests = new Map<string, { readonly id: string; readonly until: number }>()
  readonly #unique = new Map<string, string>()
  readonly #known = new Set<string>()
  readonly #sending = new Map<string, number>()
  readonly #solos = new Map<string, Set<string>>()
  readonly #listeners = new Set<(entry: LedgerEntry) => void>()

  /** Calls `listener` with every entry, after it was taken in; the answer takes it off again. */
  onEntry(listener: (entry: LedgerEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes an entry in, and answers what it came to. */
  apply(entry: LedgerEntry): unknown {
    const verdict = this.#take(entry)
    for (const listener of [...this.#listeners]) listener(entry)
    return verdict
  }

  #take(entry: LedgerEntry): unknown {
    switch (entry.t) {
      case 'claim':
        return this.#claim(entry)
      case 'stored':
        this.#known.add(entry.id)
        this.#sending.delete(entry.id)
        return undefined
      case 'solo': {
        const starts = this.#solos.get(entry.id) ?? new Set<string>()
        this.#solos.set(entry.id, starts.add(entry.start))
        return starts.size
      }
      case 'unsolo':
        if (entry.start === undefined) this.#solos.delete(entry.id)
        else this.#solos.get(entry.id)?.delete(entry.start)
        return undefined
      case 'release':
        this.#sending.delete(entry.id)
        return this.#release(entry.id, entry.scopes)
      case 'end':
        if (entry.scopes !== undefined) this.#release(entry.id, entry.scopes)
        this.cancelled.delete(entry.id)
        this.memos.delete(entry.id)
        this.#solos.delete(entry.id)
        this.ended.delete(entry.id)
        this.ended.set(entry.id, entry.settled)
        if (entry.dead === undefined) this.dead.delete(entry.id)
        else this.dead.set(entry.id, entry.dead)
        if (this.ended.size > MOST_ENDED) this.#forgetOldest()
        return undefined
      case 'cancel':
        if (this.ended.has(entry.id)) return undefined
        this.cancelled.set(entry.id, entry.reason)
        for (const [scope, id] of this.#unique) if (id === entry.id) this.#unique.delete(scope)
        return undefined
      case 'undead': {
        const letter = this.dead.get(entry.id)
        // A replayed task may have ended, or died, once more before this was read.
        if (letter?.letter.deadAt !== entry.deadAt) return undefined
        this.dead.delete(entry.id)
        this.ended.delete(entry.id)
        return letter
      }
      case 'memo': {
        const memos = this.memos.get(entry.id) ?? new Map<string, string>()
        this.memos.set(entry.id, memos.set(entry.key, entry.value))
        return undefined
      }
      case 'set':
        if (entry.value === undefined) this.board.delete(entry.key)
        else this.board.set(entry.key, entry.value)
        return undefined
      default:
        return undefined
    }
  }

  #claim(entry: Extract<LedgerEntry, { t: 'claim' }>): ClaimVerdict {
    const { id, at, request, unique, known } = entry
    if (known === true && this.#known.has(id)) return { holder: `=${id}` }
    if (known === true && at - (this.#sending.get(id) ?? 0) < SENDING_MS) return { holder: id, pending: true }
    const earlier = request === undefined ? undefined : this.#requests.get(request.scope)
    if (earlier !== undefined && earlier.until > at && earlier.id !== id) return { holder: earlier.id }
    const other = unique === undefined ? undefined : this.#unique.get(unique)
    const holder = other === undefined || other === id ? id : other
    if (request !== undefined) this.#requests.set(request.scope, { id: holder, until: request.until })
    if (unique !== undefined && holder === id) this.#unique.set(unique, id)
    if (known === true && holder === id) this.#sending.set(id, at)
    return { holder }
  }

  #release(id: string, scopes: readonly string[]): void {
    for (const scope of scopes) {
      if (this.#unique.get(scope) === id) this.#unique.delete(scope)
      if (this.#requests.get(scope)?.id === id) this.#requests.delete(scope)
    }
  }

  #forgetOldest(): void {
    for (const id of this.ended.keys()) {
      if (this.dead.has(id)) continue
      this.ended.delete(id)
      return
    }
  }
}
