import { compileLimits } from '../policy/compile-limit.js'
import type { Limit, LimitAlgorithm } from '../policy/limit.js'
import { type LimitInput, parseLimit } from '../policy/parse-limit.js'
import type { Charge, Outcome, RateLimitBackend, Verdict } from '../rate-limit-backend.js'

/** What a check runs against: an empty backend, and the time it lives in. */
export interface RateLimitBackendFixture {
  readonly backend: RateLimitBackend
  /** Which algorithms the backend keeps; it must refuse the others. */
  readonly algorithms: readonly LimitAlgorithm[]
  /** Lets the backend's clock go on by so many milliseconds; back, when negative. */
  readonly elapse: (milliseconds: number) => Promise<void>
  /** Lets slots in flight grow older, where another clock than the backend's ends them. */
  readonly age?: (milliseconds: number) => Promise<void>
  /** All that the backend holds, as text: equal texts, equal contents. Left out where a denial may leave a trace. */
  readonly snapshot?: () => Promise<string>
}

/** How a check asks: what differs from one unit for subject `s`. */
export interface Ask {
  readonly subject?: string
  readonly cost?: number
  readonly lease?: string
  readonly peek?: boolean
}

const DEADLINE = { deadlineMs: 5000 }

/** Limits as a policy named `p` would have them. */
function limitsOf(...inputs: readonly LimitInput[]): readonly Limit[] {
  const parsed = inputs.map((input) => parseLimit(input))
  return compileLimits('p', parsed, { scale: 1, shadow: false }).limits
}

/** One limit as a policy named `p` would have it. */
export function limitOf(input: LimitInput): Limit {
  const [limit] = limitsOf(input)
  if (limit === undefined) throw new TypeError('one input makes one limit')
  return limit
}

/** The algorithms among those that count quotas, each as a limit of `quota` per `window`. */
export function quotaLimits({ algorithms }: RateLimitBackendFixture, quota: number, window: string): readonly Limit[] {
  return algorithms.filter((one) => one !== 'concurrency').map((one) => limitOf(`${quota}/${window} ${one}`))
}

/** Asks a backend as the limiter does. */
export class Asker {
  readonly #fixture: RateLimitBackendFixture
  #leases = 0

  constructor(fixture: RateLimitBackendFixture) {
    this.#fixture = fixture
  }

  async decide(limits: readonly Limit[], ask: Ask = {}): Promise<Verdict> {
    const charges = limits.map((limit) => this.charge(limit, ask))
    return this.#fixture.backend.decide(charges, { ...DEADLINE, peek: ask.peek ?? false })
  }

  async all(charges: readonly Charge[]): Promise<Verdict> {
    return this.#fixture.backend.decide(charges, { ...DEADLINE, peek: false })
  }

  charge(limit: Limit, { subject = 's', cost = 1, lease }: Ask = {}): Charge {
    this.#leases += 1
    return {
      subject,
      limit,
      cost,
      lease: limit.algorithm === 'concurrency' ? (lease ?? `l${this.#leases}`) : undefined,
    }
  }

  async admits(limit: Limit, ask: Ask = {}): Promise<boolean> {
    return (await this.decide([limit], ask)).admitted
  }

  /** What a peek says of one limit. */
  async look(limit: Limit, ask: Ask = {}): Promise<Outcome> {
    return this.first(await this.decide([limit], { ...ask, peek: true }))
  }

  first(verdict: Verdict): Outcome {
    const [outcome] = verdict.outcomes
    if (outcome === undefined) throw new TypeError('every charge has an outcome')
    return outcome
  }

  /** How many of so many tries, one after the other, are admitted. */
  async admitted(tries: number, limit: Limit, ask: Ask = {}): Promise<number> {
    let count = 0
    for (let i = 0; i < tries; i += 1) if (await this.admits(limit, ask)) count += 1
    return count
  }

  async adjust(limit: Limit, by: number, at: number, { subject = 's', lease }: Ask = {}): Promise<void> {
    await this.#fixture.backend.adjust([{ subject, limit, by, at, lease }], DEADLINE)
  }

  async block(
    limit: Limit,
    baseMs: number,
    { unlessBlocked = false, factor = 1 }: { readonly unlessBlocked?: boolean; readonly factor?: number } = {},
  ): Promise<number> {
    const order = { baseMs, factor, maxMs: 8 * baseMs, rememberMs: 60_000, unlessBlocked }
    return this.#fixture.backend.block('s', limit, order, DEADLINE)
  }

  async reset(limits: readonly Limit[], subject = 's'): Promise<void> {
    await this.#fixture.backend.reset(subject, limits, DEADLINE)
  }
}
