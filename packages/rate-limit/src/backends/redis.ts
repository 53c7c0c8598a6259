import { BackendUnavailableError, type Clock, MisconfiguredError } from '@plinth/core'
import type { RedisCallOptions, RedisConnection } from '@plinth/core/redis'
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
import { SubjectDigests } from '../subject.js'
import { adjustScript, blockScript } from './redis/adjust-script.js'
import { type CallBatch, CallBatcher } from './redis/call-batch.js'
import { type DecideShape, decideScript, isLooped, shapeName } from './redis/decide-script.js'
import { inspectRedis } from './redis/inspect-redis.js'
import { limitScriptOf } from './redis/limit-scripts.js'
import { RedisScript } from './redis/redis-script.js'
import { RedisVerdict, replySize } from './redis/redis-verdict.js'

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
 * their slots and gives back when one refuses: never more than the limit, for a moment perhaps less. What such a call gave
 * back leaves `fixed`, `sliding` and `concurrency` as they were; of `strict`, what was used before may return up to W/20
 * later, of `gcra` up to 2 microseconds.
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
  readonly #isTold: boolean
  readonly #decide = new Map<string, RedisScript>()
  readonly #adjust: RedisScript
  readonly #block: RedisScript
  readonly #digests = new SubjectDigests()
  readonly #calls = new CallBatcher((batch) => this.#decideBatch(batch))
  #latest: CallShape | undefined
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
    this.#isTold = clock !== undefined
    this.#adjust = new RedisScript(adjustScript({ isTold: this.#isTold }))
    this.#block = new RedisScript(blockScript({ isTold: this.#isTold }))
  }

  get available(): boolean {
    return this.#connection.available
  }

  refuses(): undefined {
    return undefined
  }

  decide(charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
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
    const args = [...this.#toldNow(), baseMs * 1000, factor, maxMs * 1000, rememberMs * 1000, unlessBlocked ? 1 : 0]
    const key = this.#key(subject, limit)
    const lasts = await this.#connection.run(
      (client) => this.#block.run(client, [key], args),
      this.#at(key, deadlineMs),
    )
    return Math.ceil(Number(lasts) / 1000)
  }

  inspect({ deadlineMs }: BackendCallOptions): Promise<readonly string[]> {
    return inspectRedis(this.#connection, deadlineMs)
  }

  async reset(subject: string, limits: readonly Limit[], { deadlineMs }: BackendCallOptions): Promise<void> {
    if (limits.length === 0) return
    const keys = limits.map((limit) => this.#key(subject, limit))
    await this.#connection.run((client) => client.unlink(...keys), this.#at(keys[0], deadlineMs))
  }

  #decideTogether(charges: readonly Charge[], options: DecideOptions): Promise<Verdict> {
    return this.#calls.add(this.#connection.cluster ? (charges[0]?.subject ?? '') : '', charges, options)
  }

  async #decideBatch({ limits, calls, peek, deadlineMs }: CallBatch): Promise<readonly Verdict[]> {
    const { script, told, size } = this.#shapeOf(limits, peek)
    const keys: string[] = []
    const charged: (string | number)[] = []
    for (const charges of calls) {
      for (const { subject, limit, cost, lease } of charges) {
        keys.push(this.#key(subject, limit))
        const what = limitScriptOf(limit).charged
        if (what !== undefined) charged.push(what === 'lease' ? (lease ?? '') : cost)
      }
    }
    const numbers = await this.#runByClock(script, keys, deadlineMs, (now) => [
      ...this.#toldNow(),
      ...told(now),
      ...charged,
    ])
    return calls.map((charges, i) => new RedisVerdict(charges, numbers, 1 + i * size, peek))
  }

  /** What calls on these limits have in common. Most calls in a row are on the same. */
  #shapeOf(limits: readonly Limit[], peek: boolean): CallShape {
    const latest = this.#latest
    if (latest !== undefined && latest.peek === peek && isSame(latest.limits, limits)) return latest
    const shape = { limits, peek, isTold: this.#isTold }
    const told = isLooped(shape) ? (now: number) => describeLimits(limits, now) : valuesOf(limits)
    this.#latest = { limits, peek, told, script: this.#scriptOf(shape), size: replySize(limits) }
    return this.#latest
  }

  #scriptOf(shape: DecideShape): RedisScript {
    const name = shapeName(shape)
    const known = this.#decide.get(name)
    if (known !== undefined) return known
    const script = new RedisScript(decideScript(shape))
    this.#decide.set(name, script)
    return script
  }

  /** Runs a script that is told what depends on the clock, again when that was not of the server's now. */
  async #runByClock(
    script: RedisScript,
    keys: readonly string[],
    deadlineMs: number,
    args: (now: number) => readonly (string | number)[],
  ): Promise<readonly number[]> {
    const options = this.#at(keys[0], deadlineMs)
    for (let tries = 1; ; tries += 1) {
      const told = args(this.#serverNow())
      const numbers = (await this.#connection.run((client) => script.run(client, keys, told), options)) as number[]
      this.#skewMs = Math.floor((numbers[0] ?? 0) / 1000) - Date.now()
      if (numbers[1] !== -1) return numbers
      if (tries < MOST_TRIES) continue
      throw new BackendUnavailableError('The clock of redis leaps too often to follow a calendar.', { reason: 'open' })
    }
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
    const keys = corrections.map(({ subject, limit }) => this.#key(subject, limit))
    const limits = [...new Set(corrections.map(({ limit }) => limit))]
    const told = corrections.flatMap(({ limit, by, at, lease }) => [1 + limits.indexOf(limit), by, at, lease ?? ''])
    await this.#runByClock(this.#adjust, keys, deadlineMs, (now) => [
      ...this.#toldNow(),
      ...describeLimits(limits, now),
      ...told,
    ])
  }

  /** Where a command goes: on Cluster it counts for, and is refused because of, the node of its key alone. */
  #at(key: string | undefined, deadlineMs: number): RedisCallOptions {
    return this.#connection.cluster && key !== undefined ? { deadlineMs, key } : { deadlineMs }
  }

  #key(subject: string, limit: Limit): string {
    return `${this.#prefix}:{${this.#digests.of(subject)}}:${limit.key}`
  }

  #serverNow(): number {
    return this.#clock === undefined ? (Date.now() + this.#skewMs) * 1000 : Math.floor(this.#clock.now() * 1000)
  }

  /** What scripts are told of the time: nothing, but in tests. */
  #toldNow(): readonly number[] {
    return this.#clock === undefined ? [] : [Math.floor(this.#clock.now() * 1000)]
  }
}

/** A calendar window may end while a call is under way, and the clocks may differ: then the server's is known. */
const MOST_TRIES = 3

/** What calls on the same limits have in common. */
interface CallShape {
  readonly limits: readonly Limit[]
  readonly peek: boolean
  readonly script: RedisScript
  /** What the script is told of the limits, at a time of the server's clock. */
  readonly told: (now: number) => readonly (string | number)[]
  /** How many numbers it replies about a call. */
  readonly size: number
}

function isSame(some: readonly Limit[], others: readonly Limit[]): boolean {
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i += 1) if (some[i] !== others[i]) return false
  return true
}

/** The values of limits for a script that is made for them: worked out once, where no calendar is followed. */
function valuesOf(limits: readonly Limit[]): CallShape['told'] {
  const work = (now: number): readonly number[] => limits.flatMap((limit) => limitScriptOf(limit).valuesOf(limit, now))
  if (limits.some(({ calendar }) => calendar !== undefined)) return work
  const values = work(0)
  return () => values
}

/** Limits as scripts are told of them that are for any. */
function describeLimits(limits: readonly Limit[], now: number): readonly (string | number)[] {
  const told = limits.flatMap((limit) => {
    const { kind, valuesOf } = limitScriptOf(limit)
    return [kind, limit.shadow ? 1 : 0, ...valuesOf(limit, now)]
  })
  return [limits.length, ...told]
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

function withoutCharge({ limit, cost }: Charge, outcome: Outcome): Outcome {
  const taken = limit.algorithm === 'concurrency' ? 1 : limit.algorithm === 'block' ? 0 : cost
  return { ...outcome, remaining: outcome.remaining + (outcome.admits ? taken : 0) }
}

function undoOf({ subject, limit, cost, lease }: Charge, { at }: Outcome): Correction {
  return { subject, limit, lease, at, by: lease === undefined ? -cost : -1 }
}
