import type { Lease, NewEntry } from '../../cache-backend.js'
import { type Stamp, unchangedSince } from './stamps.js'

/** What a lease asks of the store that gave it. */
export interface LeaseGiver {
  fill(lease: MemoryLease, entry: NewEntry): boolean
  renew(lease: MemoryLease, leaseMs: number): boolean
  release(lease: MemoryLease): boolean
}

/** The right to compute one key in this process, until `until` of the backend's clock. */
export class MemoryLease implements Lease {
  readonly key: string
  readonly stamps: readonly Stamp[]
  readonly begunAt: number
  until: number
  ended = false
  readonly #giver: LeaseGiver
  #waiters: (() => void)[] = []

  constructor(giver: LeaseGiver, key: string, stamps: readonly Stamp[], begunAt: number, until: number) {
    this.#giver = giver
    this.key = key
    this.stamps = stamps
    this.begunAt = begunAt
    this.until = until
  }

  /** Whether what it computes may still be stored. */
  holds(now: number): boolean {
    return now < this.until && unchangedSince(this.stamps, this.begunAt)
  }

  async fill(entry: NewEntry): Promise<boolean> {
    return this.#giver.fill(this, entry)
  }

  async renew(leaseMs: number): Promise<boolean> {
    return this.#giver.renew(this, leaseMs)
  }

  async release(): Promise<boolean> {
    return this.#giver.release(this)
  }

  /** Calls `wake` once, when this lease has ended. */
  wait(wake: () => void): void {
    if (this.ended) wake()
    else this.#waiters.push(wake)
  }

  /** Ends it for good, and wakes who waits. */
  end(): void {
    this.ended = true
    for (const wake of this.#waiters.splice(0)) wake()
  }
}
