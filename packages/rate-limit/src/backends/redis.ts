import { type Clock, MisconfiguredError } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import { gcraChargedAt } from '../algorithms/gcra.js'
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
import { ADJUST, BLOCK } from './redis/adjust-script.js'
import { type CallBatch, CallBatcher, type CallReply } from './redis/call-batch.js'
import { DECIDE } from './redis/decide-script.js'
import { RedisScript } from './redis/redis-script.js'
import { ScriptLimits } from './redis/script-arguments.js'

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
 * Calls of one turn of the event loop share a command (on Cluster those about one subject), each decided for itself.
 * Keys are `prefix:{digest of the subject}:policy:limit`. On Cluster, a call about several subjects reserves at each of
 * their slots and gives back when one refuses: never more than the limit, for a moment perhaps less.
 */
export function redisBackend(connection: RedisConnection, options: RedisBackendOptions = {}): RateLimitBackend {
  return new RedisBackend(connection, options)
}

class RedisBackend implements RateLimitBackend {
  readonly name: string = 'redis'
  readonly remote: boolean = true
  readonly blocksNobody: boolean = false
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #clock: Clock | undefined
  readonly #decide = new RedisScript(DECIDE)
  readonly #adjust = new RedisScript(ADJUST)
  readonly #block = new RedisScript(BLOCK)
  readonly #calls = new CallBatcher((batch) => this.#send(batch))
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
    const args = [this.#testNow(), 0, baseMs * 1000, factor, maxMs * 1000, rememberMs * 1000, unlessBlocked ? 1 : 0]
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
    const first = await this.#ask(charges, options)
    // a calendar window ended while the call was under way, or the clocks differ: now the server's is known
    const reply = first.numbers[first.from] === -1 ? await this.#ask(charges, options) : first
    return verdictOf(reply, charges, options.peek)
  }

  #ask(charges: readonly Charge[], { peek, deadlineMs }: DecideOptions): Promise<CallReply> {
    const slot = this.#connection.cluster ? (charges[0]?.subject ?? '') : ''
    return this.#calls.add(slot, deadlineMs, ({ limits, keys, args }) => {
      const now = this.#serverNow()
      args.push(peek ? 'p' : 'c', charges.length)
      for (const { subject, limit, cost, lease } of charges) {
        keys.push(this.#key(subject, limit))
        args.push(limits.numberOf(limit, now), cost)
        if (limit.algorithm === 'concurrency') args.push(lease ?? '')
      }
      return 1 + charges.length * ROW
    })
  }

  async #send({ limits, keys, args, deadlineMs }: CallBatch): Promise<readonly number[]> {
    const all = [...limits.head(this.#testNow()), ...args]
    const reply = await this.#connection.run((client) => this.#decide.run(client, keys, all), { deadlineMs })
    const numbers = reply as readonly number[]
    this.#skewMs = Math.floor((numbers[0] ?? 0) / 1000) - Date.now()
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
    return { admitted, firm: false, outcomes: charges.flatMap((charge) => outcomes.get(charge) ?? []) }
  }

  async #adjustTogether(corrections: readonly Correction[], { deadlineMs }: BackendCallOptions): Promise<void> {
    const now = this.#serverNow()
    const keys = corrections.map(({ subject, limit }) => this.#key(subject, limit))
    const limits = new ScriptLimits()
    const args = corrections.flatMap(({ limit, by, at, lease }) => [limits.numberOf(limit, now), by, at, lease ?? ''])
    const all = [...limits.head(this.#testNow()), ...args]
    await this.#connection.run((client) => this.#adjust.run(client, keys, all), { deadlineMs })
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

/** How many numbers a script replies for each charge. */
const ROW = 4

function verdictOf({ numbers, from }: CallReply, charges: readonly Charge[], peek: boolean): Verdict {
  const now = numbers[0] ?? 0
  const admitted = numbers[from] === 1
  const outcomes = charges.map(({ limit, cost }, i) => {
    const row = from + 1 + i * ROW
    const admits = numbers[row] === 1
    const retryAfter = numbers[row + 2] ?? 0
    const resetAfter = numbers[row + 3] ?? 0
    const isCharged = admitted && admits && !peek && limit.algorithm === 'gcra'
    return {
      admits,
      remaining: numbers[row + 1] ?? 0,
      retryAfterMs: retryAfter < 0 ? Number.POSITIVE_INFINITY : Math.ceil(retryAfter / 1000),
      resetAfterMs: Math.ceil(resetAfter / 1000),
      at: isCharged ? gcraChargedAt(limit, cost, resetAfter, now) : now,
    }
  })
  return { admitted, firm: true, outcomes }
}

function withoutCharge({ limit, cost }: Charge, outcome: Outcome): Outcome {
  const taken = limit.algorithm === 'concurrency' ? 1 : limit.algorithm === 'block' ? 0 : cost
  return { ...outcome, remaining: outcome.remaining + (outcome.admits ? taken : 0) }
}

function undoOf({ subject, limit, cost, lease }: Charge, { at }: Outcome): Correction {
  return { subject, limit, lease, at, by: lease === undefined ? -cost : -1 }
}
