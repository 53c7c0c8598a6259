import { randomBytes } from 'node:crypto'
import { ConfigError, type Duration, parseDuration } from '@plinth/config/units'
import { type Logger, silentLogger } from '@plinth/core'
import { blockLimit, LONGEST_BLOCK_MS } from './algorithms/block.js'
import { memoryBackend } from './backends/memory.js'
import { chargesOf, type PlannedCheck } from './check-plan.js'
import { Decided, type Ledger } from './decided.js'
import type { Decision, DegradedReason } from './decision.js'
import { degradedReasonOf } from './degraded-reason.js'
import { explainPlan, type PolicyExplanation } from './explain-policy.js'
import { type CompiledPolicy, compileRules, type PolicyBook } from './policy-book.js'
import type { PolicyPlan } from './policy-plan.js'
import type { Charge, RateLimitBackend, Verdict } from './rate-limit-backend.js'
import type { OutageMode, RateLimitRules } from './rate-limit-rules.js'
import { RateLimitUsageError } from './rate-limit-usage-error.js'
import type { CheckOptions, CheckRequest, RateLimiter } from './rate-limiter.js'
import { shareOf } from './share-of-limit.js'
import { SlotKeeper } from './slot-keeper.js'
import { boundedSubject } from './subject.js'
import { Undecided } from './undecided.js'

/** Options of {@link createRateLimiter}: the rules, and where and how to count. */
export interface RateLimiterOptions<Policy extends string = string, Tier extends string = string>
  extends RateLimitRules<Policy, Tier> {
  /** Where to count. It is lent: the limiter never closes it. */
  readonly backend: RateLimitBackend
  /** What policies answer while the backend is away, unless they say so themselves. Default `local`. */
  readonly onOutage?: OutageMode
  /** How many instances of this service share the backend: `local` gives each its share of every limit. Default 1. */
  readonly instances?: number
  /** How long the backend may take. Default `'75ms'`. */
  readonly deadline?: Duration
  /** Told about outages, once per change. Default: silent. */
  readonly logger?: Logger
}

/**
 * Assembles a rate limiter: no I/O, no timers.
 *
 * @throws ConfigError with everything that is wrong with the policies and tiers.
 */
export function createRateLimiter<const Policy extends string, const Tier extends string = never>(
  options: RateLimiterOptions<Policy, Tier>,
): RateLimiter<Policy, Tier> {
  return new BackedRateLimiter(options)
}

const SUBJECT_BLOCK = blockLimit('*')

class BackedRateLimiter implements RateLimiter {
  readonly enabled: boolean = true
  readonly #backend: RateLimitBackend
  readonly #local: RateLimitBackend
  readonly #instances: number
  readonly #deadlineMs: number
  readonly #onOutage: OutageMode
  readonly #logger: Logger
  readonly #leasePrefix: string = randomBytes(9).toString('base64url')
  readonly #seen = new Set<string>()
  readonly #keepers: SlotKeeper[] = []
  readonly #ledger: Ledger
  readonly #localLedger: Ledger
  #book: PolicyBook
  #leases = 0
  #degraded: DegradedReason | undefined

  constructor(options: RateLimiterOptions) {
    const { backend, onOutage = 'local', instances = 1, deadline = '75ms', logger = silentLogger } = options
    if (!(Number.isSafeInteger(instances) && instances >= 1)) {
      const remedy = 'Give the number of processes that share the backend.'
      throw new ConfigError([
        { id: 'invalid', subjects: ['instances'], problem: 'must be a whole number above 0', remedy },
      ])
    }
    this.#backend = backend
    this.#onOutage = onOutage
    this.#instances = instances
    this.#deadlineMs = parseDuration(deadline, 'deadline of the rate limiter')
    this.#logger = logger
    this.#local = memoryBackend()
    this.#ledger = this.#ledgerOf(backend)
    this.#localLedger = this.#ledgerOf(this.#local)
    this.#book = this.#compile(options)
  }

  get backend(): string {
    return this.#backend.name
  }

  async check(policy: string, subject: string, options: CheckOptions = {}): Promise<Decision> {
    return this.#decide([this.#planned(policy, subject, options)], false)
  }

  async checkAll(requests: readonly CheckRequest[]): Promise<Decision> {
    const planned = requests.map(({ policy, subject, ...options }) => this.#planned(policy, subject, options))
    requireDistinct(planned)
    return this.#decide(planned, false)
  }

  async peek(policy: string, subject: string, options: CheckOptions = {}): Promise<Decision> {
    return this.#decide([this.#planned(policy, subject, options)], true)
  }

  async reset(policy: string, subject: string): Promise<void> {
    const { everyLimit } = this.#policy(policy)
    const bounded = boundedSubject(subject)
    this.#local.reset(bounded, everyLimit, { deadlineMs: this.#deadlineMs })
    await this.#backend.reset(bounded, everyLimit, { deadlineMs: this.#deadlineMs })
  }

  async block(subject: string, duration: Duration): Promise<number> {
    const baseMs = parseDuration(duration, 'the duration of a block')
    if (baseMs < 1 || baseMs > LONGEST_BLOCK_MS) {
      throw new RateLimitUsageError('RATE_LIMIT_INVALID_DURATION', 'A block lasts between 1ms and 366d.')
    }
    const order = { baseMs, factor: 1, maxMs: baseMs, rememberMs: 0, unlessBlocked: false }
    return this.#backend.block(boundedSubject(subject), SUBJECT_BLOCK, order, { deadlineMs: this.#deadlineMs })
  }

  async unblock(subject: string): Promise<void> {
    await this.#backend.reset(boundedSubject(subject), [SUBJECT_BLOCK], { deadlineMs: this.#deadlineMs })
  }

  explain(policy: string, options: { readonly tier?: string; readonly subject?: string } = {}): PolicyExplanation {
    const plan = this.#planFor(policy, options.subject, options.tier)
    return explainPlan(plan, options.subject !== undefined && this.#book.overrides.has(options.subject))
  }

  policiesFor(method: string, route: string): readonly string[] | undefined {
    return this.#book.routes.policiesFor(method, route)
  }

  noteRoute(policy: string): void {
    this.#policy(policy)
    this.#seen.add(policy)
  }

  unusedPolicies(): readonly string[] {
    const { policies, routes } = this.#book
    return [...policies]
      .filter(
        ([name, { definition }]) => definition.routed !== false && !this.#seen.has(name) && !routes.policies.has(name),
      )
      .map(([name]) => name)
  }

  reload(rules: RateLimitRules): void {
    this.#book = this.#compile(rules)
  }

  async close(): Promise<void> {
    for (const keeper of this.#keepers) keeper.close()
  }

  #compile(rules: RateLimitRules): PolicyBook {
    return compileRules(rules, { onOutage: this.#onOutage, backend: this.#backend })
  }

  #planned(policy: string, subject: string, { cost = 1, tier }: CheckOptions): PlannedCheck {
    const bounded = boundedSubject(subject)
    const plan = this.#planFor(policy, subject, tier)
    this.#seen.add(policy)
    return { plan, subject: bounded, cost }
  }

  #policy(policy: string): CompiledPolicy {
    const found = this.#book.policies.get(policy)
    if (found !== undefined) return found
    const known = [...this.#book.policies.keys()].join(', ')
    const message = `There is no rate limit policy "${String(policy).slice(0, 64)}". Known: ${known}.`
    throw new RateLimitUsageError('RATE_LIMIT_UNKNOWN_POLICY', message)
  }

  #planFor(policy: string, subject: string | undefined, tier: string | undefined): PolicyPlan {
    const found = this.#policy(policy)
    if (tier !== undefined && !this.#book.tiers.has(tier)) {
      const known = [...this.#book.tiers].join(', ') || 'none'
      const message = `There is no rate limit tier "${String(tier).slice(0, 64)}". Known: ${known}.`
      throw new RateLimitUsageError('RATE_LIMIT_UNKNOWN_TIER', message)
    }
    const override = subject === undefined ? undefined : this.#book.overrides.get(subject)?.plans.get(policy)
    if (override !== undefined) return override
    return tier === undefined ? found.own : (found.byTier.get(tier) ?? found.own)
  }

  async #decide(checks: readonly PlannedCheck[], peek: boolean): Promise<Decision> {
    const charges = this.#chargesOf(checks)
    const options = { peek, deadlineMs: this.#deadlineMs }
    const tier = checks[0]?.plan.tier
    try {
      const answer = this.#backend.decide(charges, options)
      const decided = answer instanceof Promise ? await answer : answer
      const verdict = decided.admitted || peek ? decided : await this.#escalate(charges, decided, this.#backend)
      if (this.#degraded !== undefined) this.#noteRecovery()
      const ledger = verdict.admitted && !peek ? this.#ledger : undefined
      return new Decided({ verdict, charges, tier, degradedReason: undefined, ledger })
    } catch (error) {
      const reason = degradedReasonOf(error)
      if (reason === undefined) throw error
      this.#noteOutage(reason, error)
      return this.#decideAlone(checks, peek, reason)
    }
  }

  /** The answer without the backend: the strictest that one of the policies asks for. */
  async #decideAlone(
    checks: readonly PlannedCheck[],
    peek: boolean,
    degradedReason: DegradedReason,
  ): Promise<Decision> {
    const tier = checks[0]?.plan.tier
    const modes = new Set(checks.map((check) => check.plan.onOutage))
    if (modes.has('closed')) {
      return new Undecided({
        outcome: 'unavailable',
        enforced: true,
        degradedReason,
        tier,
        retryAfterMs: RETRY_CLOSED_MS,
      })
    }
    if (!modes.has('local')) return new Undecided({ outcome: 'admitted', enforced: true, degradedReason, tier })
    const counted = checks.filter((check) => check.plan.onOutage === 'local')
    const charges = this.#chargesOf(counted).map((charge) => this.#localCharge(charge))
    const decided = await this.#local.decide(charges, { peek, deadlineMs: this.#deadlineMs })
    const verdict = decided.admitted || peek ? decided : await this.#escalate(charges, decided, this.#local)
    const ledger = verdict.admitted && !peek ? this.#localLedger : undefined
    return new Decided({ verdict, charges, tier, degradedReason, ledger })
  }

  #chargesOf(checks: readonly PlannedCheck[]): readonly Charge[] {
    const nextLease = (): string => {
      this.#leases += 1
      return `${this.#leasePrefix}${this.#leases.toString(36)}`
    }
    const subjects = new Set(checks.map((check) => check.subject))
    const charges: Charge[] = [...subjects].map((subject) => ({
      subject,
      limit: SUBJECT_BLOCK,
      cost: 1,
      lease: undefined,
    }))
    for (const check of checks) {
      const { escalation } = check.plan
      if (escalation !== undefined)
        charges.push({ subject: check.subject, limit: escalation.block, cost: 1, lease: undefined })
      charges.push(...chargesOf(check, nextLease))
    }
    return charges
  }

  /** Blocks on every policy whose limits refused, and lets the verdict say how long. */
  async #escalate(charges: readonly Charge[], verdict: Verdict, backend: RateLimitBackend): Promise<Verdict> {
    const outcomes = [...verdict.outcomes]
    for (const [i, { limit, subject }] of charges.entries()) {
      const order = this.#book.policies.get(limit.name)?.own.escalation?.order
      if (limit.algorithm !== 'block' || order === undefined || !outcomes[i]?.admits) continue
      const refused = charges.some(
        (other, j) => other.subject === subject && isOf(limit.name, other) && !outcomes[j]?.admits,
      )
      if (!refused) continue
      const blockedMs = await backend.block(subject, limit, order, { deadlineMs: this.#deadlineMs })
      outcomes[i] = {
        admits: false,
        remaining: 0,
        retryAfterMs: blockedMs,
        resetAfterMs: blockedMs,
        at: outcomes[i]?.at ?? 0,
      }
    }
    return { ...verdict, outcomes }
  }

  /** The charge for this instance's share: a cost beyond it takes all of it. */
  #localCharge(charge: Charge): Charge {
    if (this.#instances === 1) return charge
    const limit = shareOf(charge.limit, this.#instances)
    return { ...charge, limit, cost: Math.min(charge.cost, limit.burst) }
  }

  #ledgerOf(backend: RateLimitBackend): Ledger {
    const correct: Ledger['correct'] = async (corrections) => {
      if (corrections.length === 0) return
      try {
        await backend.adjust(corrections, { deadlineMs: this.#deadlineMs })
      } catch (error) {
        const reason = degradedReasonOf(error)
        if (reason === undefined) throw error
        this.#noteOutage(reason, error)
      }
    }
    const keeper = new SlotKeeper((slots) => void correct(slots).catch((error) => this.#logBug(error)))
    this.#keepers.push(keeper)
    return { correct, hold: (slots) => keeper.hold(slots), letGo: (slots) => keeper.letGo(slots) }
  }

  #noteOutage(reason: DegradedReason, error: unknown): void {
    if (this.#degraded === reason) return
    this.#degraded = reason
    const facts = { component: 'rate-limit', backend: this.#backend.name, reason, error }
    this.#logger.warn(facts, 'rate limits are decided without their backend')
  }

  #noteRecovery(): void {
    this.#degraded = undefined
    this.#logger.info({ component: 'rate-limit', backend: this.#backend.name }, 'rate limits are back on their backend')
  }

  #logBug(error: unknown): void {
    this.#logger.error({ component: 'rate-limit', backend: this.#backend.name, error }, 'renewing slots failed')
  }
}

/** Whether a charge belongs to a policy and can refuse. */
function isOf(policy: string, { limit }: Charge): boolean {
  return !limit.shadow && limit.algorithm !== 'block' && limit.key.startsWith(`${policy}:`)
}

/** What a client of a closed policy is told to wait, in milliseconds: outages end without notice. */
const RETRY_CLOSED_MS = 1000

function requireDistinct(checks: readonly PlannedCheck[]): void {
  const keys = checks.map(({ plan, subject }) => `${plan.policy} ${subject}`)
  const twice = checks.find((_, i) => keys.indexOf(keys[i] ?? '') !== i)
  if (twice === undefined) return
  const message = `Policy "${twice.plan.policy}" is asked twice for one subject. Ask once, with the costs added up.`
  throw new RateLimitUsageError('RATE_LIMIT_INVALID_COST', message)
}
