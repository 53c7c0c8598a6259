import { type Clock, MisconfiguredError } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { Limit } from '../limit.js'
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
import { ADJUST, BLOCK } from './redis/adjust-script.js'
import { DECIDE } from './redis/decide-script.js'
import { RedisScript } from './redis/redis-script.js'
import { scriptArguments } from './redis/script-arguments.js'

/** Options of {@link redisBackend}. */
export interface RedisBackendOptions {
  /** What every key begins with. Default `rl`. Services that share a database need one each. */
  readonly prefix?: string
  /** For tests: a clock in place of the server's. */
  readonly clock?: Clock
}

/**
 * Counts in Redis (6.2 or newer, Valkey, Cluster): one EVALSHA for any mix of limits, by the server's clock.
 *
 * Keys are `prefix:{digest of the subject}:policy:limit`. On Cluster, a call about several subjects reserves at each of
 * their slots and gives back when one refuses: never more than the limit, for a moment perhaps less.
 */
export function redisBackend(connection: RedisConnection, options: RedisBackendOptions = {}): RateLimitBackend {
  return new RedisBackend(connection, options)
}

class RedisBackend implements RateLimitBackend {
  readonly name: string = 'redis'
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #clock: Clock | undefined
  readonly #decide = new RedisScript(DECIDE)
  readonly #adjust = new RedisScript(ADJUST)
  readonly #block = new RedisScript(BLOCK)
  /** The server's clock minus ours, in milliseconds, as the last reply told. */
  #skewMs = 0

  constructor(connection: RedisConnection, { prefix = 'rl', clock }: RedisBackendOptions) {
    if (!/^[A-Za-z0-9._:-]{1,64}$/.test(prefix)) {
      throw new MisconfiguredError(
        'The prefix of rate limits in redis may hold up to 64 letters, digits and ._:- only.',
      )
    }
    this.#connection = connection
    this.#prefix = prefix
    this.#clock = clock
  }

  get available(): boolean {
    return this.#connection.available
  }

  refuses(): undefined {
    return undefined
  }

  async decide(charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
    if (!this.#connection.cluster) return this.#decideTogether(charges, options)
    const groups = bySubject(charges)
    return groups.length === 1 ? this.#decideTogether(charges, options) : this.#decideAcross(groups, charges, options)
  }

  async adjust(corrections: readonly Correction[], options: BackendCallOptions): Promise<void> {
    const groups = this.#connection.cluster ? bySubject(corrections) : [corrections]
    await Promise.all(groups.map((group) => this.#adjustTogether(group, options)))
  }

  async block(subject: string, limit: Limit, order: BlockOrder, { deadlineMs }: BackendCallOptions): Promise<number> {
    const { baseMs, factor, maxMs, rememberMs, unlessBlocked } = order
    const args = [this.#testNow(), baseMs * 1000, factor, maxMs * 1000, rememberMs * 1000, unlessBlocked ? 1 : 0]
    const keys = [this.#key(subject, limit)]
    const lasts = await this.#connection.run((client) => this.#block.run(client, keys, args), { deadlineMs })
    return Math.ceil(Number(lasts) / 1000)
  }

  async reset(subject: string, limits: readonly Limit[], { deadlineMs }: BackendCallOptions): Promise<void> {
    if (limits.length === 0) return
    const keys = limits.map((limit) => this.#key(subject, limit))
    await this.#connection.run((client) => client.unlink(...keys), { deadlineMs })
  }

  async #decideTogether(charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
    const first = await this.#runDecide(charges, options)
    // a calendar window ended while the call was under way, or the clocks differ: now the server's is known
    const reply = first[0] === -1 ? await this.#runDecide(charges, options) : first
    return verdictOf(reply, charges)
  }

  async #runDecide(charges: readonly Charge[], { peek, deadlineMs }: DecideOptions): Promise<readonly number[]> {
    const now = this.#serverNow()
    const keys = charges.map((charge) => this.#key(charge.subject, charge.limit))
    const args: (string | number)[] = [this.#testNow(), peek ? 'p' : 'c', 1]
    for (const { limit, cost, lease } of charges) args.push(...scriptArguments(limit, cost, { lease, now }))
    const reply = await this.#connection.run((client) => this.#decide.run(client, keys, args), { deadlineMs })
    const numbers = reply as readonly number[]
    this.#skewMs = Math.floor((numbers[1] ?? 0) / 1000) - Date.now()
    return numbers
  }

  async #decideAcross(
    groups: readonly (readonly Charge[])[],
    charges: readonly Charge[],
    options: DecideOptions,
  ): Promise<Verdict> {
    const settled = await Promise.allSettled(groups.map((group) => this.#decideTogether(group, options)))
    const failed = settled.find((one) => one.status === 'rejected')
    const admitted = settled.every((one) => one.status === 'fulfilled' && one.value.admitted)
    const outcomes = new Map<Charge, Outcome>()
    const undo: Correction[] = []
    for (const [i, group] of groups.entries()) {
      const one = settled[i]
      if (one?.status !== 'fulfilled') continue
      const given = !admitted && one.value.admitted && !options.peek
      for (const [j, charge] of group.entries()) {
        const outcome = one.value.outcomes[j]
        if (outcome === undefined) continue
        outcomes.set(charge, given ? withoutCharge(charge, outcome) : outcome)
        if (given && outcome.admits && charge.limit.algorithm !== 'block') undo.push(undoOf(charge, outcome))
      }
    }
    // what cannot be given back now stays reserved until its window ends: less than the limit, never more
    if (undo.length > 0) await this.adjust(undo, options).catch(() => {})
    if (failed?.status === 'rejected') throw failed.reason
    return { admitted, outcomes: charges.flatMap((charge) => outcomes.get(charge) ?? []) }
  }

  async #adjustTogether(corrections: readonly Correction[], { deadlineMs }: BackendCallOptions): Promise<void> {
    const now = this.#serverNow()
    const keys = corrections.map(({ subject, limit }) => this.#key(subject, limit))
    const args: (string | number)[] = [this.#testNow()]
    for (const { limit, by, lease, at } of corrections) args.push(...scriptArguments(limit, by, { lease, now }), at)
    await this.#connection.run((client) => this.#adjust.run(client, keys, args), { deadlineMs })
  }

  #key(subject: string, limit: Limit): string {
    return `${this.#prefix}:{${subjectDigest(subject)}}:${limit.key}`
  }

  #serverNow(): number {
    return this.#clock === undefined ? (Date.now() + this.#skewMs) * 1000 : Math.floor(this.#clock.now() * 1000)
  }

  #testNow(): number | '' {
    return this.#clock === undefined ? '' : Math.floor(this.#clock.now() * 1000)
  }
}

function bySubject<Part extends { readonly subject: string }>(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups = new Map<string, Part[]>()
  for (const part of parts) {
    const group = groups.get(part.subject)
    if (group === undefined) groups.set(part.subject, [part])
    else group.push(part)
  }
  return [...groups.values()]
}

/** Where the rows of a reply begin. */
const HEAD = 2

function verdictOf(reply: readonly number[], charges: readonly Charge[]): Verdict {
  const [admitted = 0, at = 0] = reply
  const outcomes = charges.map((_, i): Outcome => {
    const from = HEAD + i * 4
    const [admits, remaining = 0, retryAfter = 0, resetAfter = 0] = reply.slice(from, from + 4)
    return {
      admits: admits === 1,
      remaining,
      retryAfterMs: retryAfter < 0 ? Number.POSITIVE_INFINITY : Math.ceil(retryAfter / 1000),
      resetAfterMs: Math.ceil(resetAfter / 1000),
      at,
    }
  })
  return { admitted: admitted === 1, outcomes }
}

function withoutCharge({ limit, cost }: Charge, outcome: Outcome): Outcome {
  const taken = limit.algorithm === 'concurrency' ? 1 : limit.algorithm === 'block' ? 0 : cost
  return { ...outcome, remaining: outcome.remaining + (outcome.admits ? taken : 0) }
}

function undoOf({ subject, limit, cost, lease }: Charge, { at }: Outcome): Correction {
  return { subject, limit, lease, at, by: lease === undefined ? -cost : -1 }
}
