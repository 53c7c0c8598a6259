import type { Settled } from '../../outcome.js'
import { systemTaskClock } from '../../task-clock.js'
import { Claims, type ClaimsRecord, type ClaimVerdict } from './claims.js'
import type { DeadEntry, LedgerEntry } from './ledger-entry.js'

/** What is known of a running task. */
export type RunningEntry = Extract<LedgerEntry, { readonly t: 'running' }>

/** So many ended tasks, dead ones apart, are remembered. */
const MOST_ENDED = 10_000

interface EndedTask {
  readonly settled: Settled
  readonly until: number
  readonly dead?: DeadEntry
}

/** One piece of a view, as a snapshot holds it. */
export type ViewRecord =
  | ClaimsRecord
  | readonly ['ended', string, EndedTask]
  | readonly ['cancelled', string, string | undefined]
  | readonly ['board', string, string]
  | readonly ['memo', string, string, string]
  | readonly ['solo', string, string]

/** The view that every process comes to by reading the ledger. */
export class RabbitView {
  readonly cancelled: Map<string, string | undefined> = new Map()
  readonly board: Map<string, string> = new Map()
  #claims = new Claims((id) => this.ended(id) !== undefined)
  readonly #ended = new Map<string, EndedTask>()
  readonly #memos = new Map<string, Map<string, string>>()
  readonly #solos = new Map<string, Set<string>>()
  readonly #listeners = new Set<(entry: LedgerEntry) => void>()

  get claims(): Claims {
    return this.#claims
  }

  /** Calls `listener` with every entry, after it was taken in; the answer takes it off again. */
  onEntry(listener: (entry: LedgerEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** How a task ended, while that is kept. */
  ended(id: string): Settled | undefined {
    return this.#kept(id)?.settled
  }

  /** A dead letter, while it is kept. */
  dead(id: string): DeadEntry | undefined {
    return this.#kept(id)?.dead
  }

  /** The dead letters of a queue, oldest first. */
  deadOf(queue: string): readonly DeadEntry[] {
    const found: DeadEntry[] = []
    for (const id of this.#ended.keys()) {
      const dead = this.dead(id)
      if (dead?.letter.queue === queue) found.push(dead)
    }
    return found.sort((a, b) => a.letter.deadAt - b.letter.deadAt)
  }

  memo(id: string, key: string): string | undefined {
    return this.#memos.get(id)?.get(key)
  }

  /** Takes an entry in, and answers what it came to. */
  apply(entry: LedgerEntry): unknown {
    const verdict = this.#take(entry)
    for (const listener of [...this.#listeners]) listener(entry)
    return verdict
  }

  /** Everything that still counts, for processes that begin to read later. */
  *records(): Generator<ViewRecord> {
    const now = systemTaskClock.now()
    yield* this.claims.records(now)
    for (const [id, task] of this.#ended) if (task.until > now) yield ['ended', id, task]
    for (const [id, reason] of this.cancelled) yield ['cancelled', id, reason]
    for (const [key, value] of this.board) yield ['board', key, value]
    for (const [id, memos] of this.#memos) for (const [key, value] of memos) yield ['memo', id, key, value]
    for (const [id, starts] of this.#solos) for (const start of starts) yield ['solo', id, start]
  }

  /** Takes in a piece of a snapshot. */
  restore(record: ViewRecord): void {
    switch (record[0]) {
      case 'ended':
        this.#ended.set(record[1], record[2])
        break
      case 'cancelled':
        this.cancelled.set(record[1], record[2] ?? undefined)
        break
      case 'board':
        this.board.set(record[1], record[2])
        break
      case 'memo':
        this.#remember(record[1], record[2], record[3])
        break
      case 'solo':
        this.#solos.set(record[1], (this.#solos.get(record[1]) ?? new Set<string>()).add(record[2]))
        break
      default:
        this.claims.restore(record)
    }
  }

  /** Begins anew; listeners stay. */
  forget(): void {
    this.#claims = new Claims((id) => this.ended(id) !== undefined)
    for (const known of [this.cancelled, this.board, this.#ended, this.#memos, this.#solos]) known.clear()
  }

  #take(entry: LedgerEntry): ClaimVerdict | number | DeadEntry | undefined {
    switch (entry.t) {
      case 'claim':
        return this.claims.claim(entry)
      case 'stored':
        this.claims.stored(entry.id)
        return undefined
      case 'unsure':
        this.claims.unsure(entry.id)
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
        this.claims.release(entry.id, entry.scopes)
        return undefined
      case 'end':
        this.#end(entry)
        return undefined
      case 'cancel':
        if (this.ended(entry.id) !== undefined) return undefined
        this.cancelled.set(entry.id, entry.reason)
        this.claims.releaseUnique(entry.id)
        return undefined
      case 'undead': {
        const dead = this.dead(entry.id)
        // A replayed task may have ended, or died, once more before this was read.
        if (dead?.letter.deadAt !== entry.deadAt) return undefined
        this.#ended.delete(entry.id)
        return dead
      }
      case 'memo':
        this.#remember(entry.id, entry.key, entry.value)
        return undefined
      case 'set':
        if (entry.value === undefined) this.board.delete(entry.key)
        else this.board.set(entry.key, entry.value)
        return undefined
      default:
        return undefined
    }
  }

  #end({ id, at, keepMs, settled, scopes, dead }: Extract<LedgerEntry, { t: 'end' }>): void {
    this.claims.ended(id, scopes ?? [])
    this.cancelled.delete(id)
    this.#memos.delete(id)
    this.#solos.delete(id)
    this.#ended.delete(id)
    this.#ended.set(id, { settled, until: at + keepMs, ...(dead === undefined ? {} : { dead }) })
    if (this.#ended.size > MOST_ENDED) this.#forgetOldest()
  }

  #remember(id: string, key: string, value: string): void {
    const memos = this.#memos.get(id) ?? new Map<string, string>()
    this.#memos.set(id, memos.set(key, value))
  }

  #kept(id: string): EndedTask | undefined {
    const task = this.#ended.get(id)
    if (task === undefined || task.until > systemTaskClock.now()) return task
    this.#ended.delete(id)
    return undefined
  }

  #forgetOldest(): void {
    for (const [id, { dead }] of this.#ended) {
      if (dead !== undefined && this.#kept(id) !== undefined) continue
      this.#ended.delete(id)
      return
    }
  }
}
