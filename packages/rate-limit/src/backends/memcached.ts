import { BackendUnavailableError, type Clock, MisconfiguredError } from '@plinth/core'
import type { MemcachedConnection } from '@plinth/core/memcached'
import type { Limit } from '../policy/limit.js'
import type {
  BackendCallOptions,
  BlockOrder,
  Charge,
  Correction,
  DecideOptions,
  Outcome,
  RateLimitBackend,
  Verdict,
} from '../rate-limit-backend.js'
import { subjectDigest } from '../subject.js'
import { blockKeys, writeBlock } from './memcached/block-keys.js'
import { LateCharge, type MemcachedCall, type Protocol, type WrittenCharge } from './memcached/protocol.js'
import { MOST_SLOTS, SHORTEST_LEASE_MS, slotKeys } from './memcached/slot-keys.js'
import { SHORTEST_STRICT_MS, strictBuckets } from './memcached/strict-buckets.js'
import { fixedCounters, slidingCounters } from './memcached/window-counters.js'

/** Options of {@link memcachedBackend}. */
export interface MemcachedBackendOptions {
  /** What every key begins with. Default `rl`. Services that share a server need one each. */
  readonly prefix?: string
  /** For tests: a clock in place of the servers'. */
  readonly clock?: Clock
}

/**
 * Counts in Memcached by increments alone: `fixed`, `sliding`, `strict` and `concurrency`.
 *
 * Correct under concurrency: never more than the limit. What it cannot promise is isolation: a call that is refused has
 * counted for an instant, and another may be refused because of it. Memcached forgets when it is full or restarted: give
 * it memory enough, or use Redis where that matters.
 */
export function memcachedBackend(
  connection: MemcachedConnection,
  options: MemcachedBackendOptions = {},
): RateLimitBackend {
  return new MemcachedBackend(connection, options)
}

/** Far below 2^32, where counters end, whatever racing callers add for an instant. */
const LARGEST_QUOTA = 1_000_000_000

class MemcachedBackend implements RateLimitBackend {
  readonly name: string = 'memcached'
  readonly remote: boolean = true
  readonly blocksNobody: boolean = false
  readonly #connection: MemcachedConnection
  readonly #prefix: string
  readonly #clock: Clock | undefined
  readonly #protocols: Readonly<Record<Exclude<Limit['algorithm'], 'gcra'>, Protocol>>

  constructor(connection: MemcachedConnection, { prefix = 'rl', clock }: MemcachedBackendOptions) {
    if (!/^[A-Za-z0-9._:-]{1,64}$/.test(prefix)) {
      throw new MisconfiguredError(
        'The prefix of rate limits in memcached may hold up to 64 letters, digits and ._:- only.',
      )
    }
    this.#connection = connection
    this.#prefix = prefix
    this.#clock = clock
    this.#protocols = {
      fixed: fixedCounters,
      sliding: slidingCounters,
      strict: strictBuckets,
      concurrency: slotKeys(),
      block: blockKeys,
    }
  }

  get available(): boolean {
    return this.#connection.available
  }

  refuses({ algorithm, quota, windowMs }: Limit): string | undefined {
    if (algorithm === 'gcra') return 'can only add to numbers, which gcra cannot be made of; sliding and strict can'
    if (quota > LARGEST_QUOTA) return `counts to ${LARGEST_QUOTA} at most`
    if (algorithm === 'strict' && windowMs < SHORTEST_STRICT_MS) {
      return `needs a strict window of at least ${SHORTEST_STRICT_MS}ms`
    }
    if (algorithm !== 'concurrency') return undefined
    if (quota > MOST_SLOTS) return `has at most ${MOST_SLOTS} slots`
    return windowMs < SHORTEST_LEASE_MS ? `needs a lease of at least ${SHORTEST_LEASE_MS}ms` : undefined
  }

  async decide(charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
    const call = this.#call(options)
    if (options.peek) {
      const outcomes = await Promise.all(charges.map((charge) => this.#protocolOf(charge.limit).peek(charge, call)))
      return { admitted: admits(charges, outcomes), firm: false, outcomes }
    }
    const written = await this.#write(charges, call)
    const outcomes = written.map((one) => one.outcome)
    const admitted = admits(charges, outcomes)
    await undo(written.filter((one) => !(admitted && one.outcome.admits)).map((one) => one.undo))
    return {
      admitted,
      firm: false,
      outcomes: admitted ? charges.flatMap((charge, i) => chargedOutcome(charge, written[i])) : outcomes,
    }
  }

  /** Writes every charge or none. One that came too late is made once more, with all the others. */
  async #write(charges: readonly Charge[], call: MemcachedCall): Promise<readonly WrittenCharge[]> {
    const settled = await Promise.allSettled(
      charges.map((charge) => this.#protocolOf(charge.limit).charge(charge, call)),
    )
    const failures = settled.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : []))
    const written = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (failures.length === 0) return written
    const late = failures.flatMap((failure) => (failure instanceof LateCharge ? [failure.undo] : []))
    await undo([...late, ...written.map((one) => one.undo)])
    if (late.length < failures.length) throw failures.find((failure) => !(failure instanceof LateCharge))
    if (!call.isLast) return this.#write(charges, this.#call(call.left(), true))
    throw new BackendUnavailableError('Memcached answers too slowly for so short a window.', { reason: 'deadline' })
  }

  async adjust(corrections: readonly Correction[], options: BackendCallOptions): Promise<void> {
    const call = this.#call(options)
    await Promise.all(corrections.map((correction) => this.#protocolOf(correction.limit).correct(correction, call)))
  }

  block(subject: string, limit: Limit, order: BlockOrder, options: BackendCallOptions): Promise<number> {
    return writeBlock({ subject, limit }, order, this.#call(options))
  }

  async reset(subject: string, limits: readonly Limit[], options: BackendCallOptions): Promise<void> {
    const call = this.#call(options)
    const keys = limits.flatMap((limit) => this.#protocolOf(limit).keys(limit, subject, call))
    await Promise.all(keys.map((key) => this.#connection.delete(key, call.left())))
  }

  #protocolOf({ algorithm, name }: Limit): Protocol {
    if (algorithm === 'gcra') throw new MisconfiguredError(`Limit "${name}" is gcra, which memcached cannot keep.`)
    return this.#protocols[algorithm]
  }

  #call({ deadlineMs }: BackendCallOptions, isLast = false): MemcachedCall {
    const began = performance.now()
    const now = this.#clock === undefined ? Date.now() + this.#connection.clockOffsetMs : this.#clock.now()
    return {
      connection: this.#connection,
      now: Math.floor(now) * 1000,
      isLast,
      key: (subject, limit, part) => `${this.#prefix}:{${subjectDigest(subject)}}:${shortKey(limit.key)}:${part}`,
      left: () => ({ deadlineMs: Math.max(1, deadlineMs - (performance.now() - began)) }),
    }
  }
}

/** Keys end at 250 bytes; what would not fit is told apart by its digest. */
function shortKey(key: string): string {
  return key.length <= 100 ? key : subjectDigest(key)
}

function admits(charges: readonly Charge[], outcomes: readonly Outcome[]): boolean {
  return charges.every(({ limit }, i) => limit.shadow || outcomes[i]?.admits === true)
}

/** Takes back what was written. What cannot be taken back stays counted: less than the limit, never more. */
async function undo(charges: readonly WrittenCharge['undo'][]): Promise<void> {
  await Promise.all(charges.map((one) => one?.().catch(() => {})))
}

function chargedOutcome({ limit, cost }: Charge, written: WrittenCharge | undefined): Outcome | [] {
  if (written === undefined) return []
  const { outcome, resetAfterChargeMs } = written
  if (!outcome.admits) return outcome
  const taken = limit.algorithm === 'concurrency' ? 1 : limit.algorithm === 'block' ? 0 : cost
  return { ...outcome, remaining: outcome.remaining - taken, resetAfterMs: resetAfterChargeMs }
}
