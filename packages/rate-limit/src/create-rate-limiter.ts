import { ConfigError, type Duration, parseDuration } from '@plinth/config/units'
import { type Clock, type Logger, silentLogger, systemClock } from '@plinth/core'
import { LONGEST_BLOCK_MS, SUBJECT_BLOCK } from './algorithms/block.js'
import type { PlannedCheck } from './decision/check-plan.js'
import { Decider } from './decision/decider.js'
import type { Decision } from './decision/decision.js'
import { explainPlan, type PolicyExplanation } from './policy/explain-policy.js'
import { PolicyDesk } from './policy/policy-desk.js'
import type { PolicyPlan } from './policy/policy-plan.js'
import type { OutageMode, RateLimitRules } from './policy/rate-limit-rules.js'
import { type LoadRules, RulesSource } from './policy/rules-source.js'
import { TierLookup, type TierOf } from './policy/tier-lookup.js'
import type { RateLimitBackend } from './rate-limit-backend.js'
import { RateLimitUsageError } from './rate-limit-usage-error.js'
import type { CheckOptions, CheckRequest, Cost, RateLimiter } from './rate-limiter.js'
import { idleWarnings, selfTest } from './self-test.js'
import { boundedSubject } from './subject.js'

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
  /** Tells the tier of subjects whose check names none. Default: the policies' own limits apply. */
  readonly tierOf?: TierOf
  /** The tier of subjects for which `tierOf` gives none, fails or takes too long. */
  readonly defaultTier?: NoInfer<Tier>
  /** How long an answer of `tierOf` is used. Default `'1m'`. */
  readonly tierFreshFor?: Duration
  /** How long a check waits for the first answer of `tierOf` about its subject. Default `'250ms'`. */
  readonly tierDeadline?: Duration
  /** Where rules are loaded from, in place of those given here, once they are old: see {@link RateLimiter.refresh}. */
  readonly loadRules?: LoadRules<NoInfer<Policy>, NoInfer<Tier>>
  /** How old loaded rules become. Default `'30s'`. */
  readonly rulesFreshFor?: Duration
  /** Told about outages and trouble with tiers and rules, once per change. Default: silent. */
  readonly logger?: Logger
  /** Whether outages of the backend are lines too, and not events alone. Default true; switch it off where others write them. */
  readonly logOutages?: boolean
  /** Where this process reads the time; the backend has its own. For tests. */
  readonly clock?: Clock
}

/**
 * Assembles a rate limiter: no I/O, no timers.
 *
 * @throws ConfigError with everything that is wrong with the policies and tiers.
 */
export function createRateLimiter<const Policy extends string, const Tier extends string = never>(
  options: RateLimiterOptions<Policy, Tier>,
): RateLimiter<Policy, Tier> {
  return new BackedRateLimiter(options as unknown as RateLimiterOptions)
}

class BackedRateLimiter implements RateLimiter {
  readonly enabled: boolean = true
  readonly #backend: RateLimitBackend
  readonly #deadlineMs: number
  readonly #desk: PolicyDesk
  readonly #decider: Decider
  readonly #tiers: TierLookup | undefined
  readonly #rules: RulesSource | undefined

  constructor(options: RateLimiterOptions) {
    const { backend, onOutage = 'local', instances = 1, deadline = '75ms', clock = systemClock } = options
    const { logger = silentLogger, logOutages = true } = options
    this.#backend = backend
    this.#deadlineMs = parseDuration(deadline, 'deadline of the rate limiter')
    this.#desk = new PolicyDesk(rulesOf(options), { onOutage, backend, defaultTier: options.defaultTier })
    requireInstances(instances)
    requireDeadline(this.#deadlineMs)
    const outageLogger = logOutages ? logger : silentLogger
    this.#decider = new Decider({ backend, instances, deadlineMs: this.#deadlineMs, logger, outageLogger, clock })
    this.#tiers = this.#tierLookup(options, logger, clock)
    this.#rules = this.#rulesSource(options, logger, clock)
  }

  get backend(): string {
    return this.#backend.name
  }

  check(policy: string, subject: string, options: CheckOptions = NONE): Promise<Decision> {
    return this.#promiseOne(policy, subject, options, false)
  }

  peek(policy: string, subject: string, options: CheckOptions = NONE): Promise<Decision> {
    return this.#promiseOne(policy, subject, options, true)
  }

  async checkAll(requests: readonly CheckRequest[]): Promise<Decision> {
    return this.decide(requests)
  }

  decide(requests: readonly CheckRequest[]): Decision | Promise<Decision> {
    const [first] = requests
    if (first !== undefined && requests.length === 1) return this.#decideOne(first.policy, first.subject, first, false)
    return this.#decideTogether(requests)
  }

  async #decideTogether(requests: readonly CheckRequest[]): Promise<Decision> {
    const checks = await Promise.all(
      requests.map(async (request) => {
        const plan = await this.#planFor(request.policy, request.subject, request)
        return { plan, subject: boundedSubject(request.subject), cost: costIn(request) }
      }),
    )
    requireDistinct(checks)
    return this.#decider.decide(checks, false)
  }

  async reset(policy: string, subject: string): Promise<void> {
    const { everyLimit } = this.#desk.policy(policy)
    await this.#forget(boundedSubject(subject), everyLimit)
  }

  async block(subject: string, duration: Duration): Promise<number> {
    const bounded = boundedSubject(subject)
    const baseMs = parseDuration(duration, 'the duration of a block')
    if (baseMs < 1 || baseMs > LONGEST_BLOCK_MS) {
      throw new RateLimitUsageError('RATE_LIMIT_INVALID_DURATION', 'A block lasts between 1ms and 366d.')
    }
    const order = { baseMs, factor: 1, maxMs: baseMs, rememberMs: 0, unlessBlocked: false }
    const options = { deadlineMs: this.#deadlineMs }
    await this.#decider.local.block(bounded, SUBJECT_BLOCK, order, options)
    this.#decider.forgetDenials(bounded)
    return this.#backend.block(bounded, SUBJECT_BLOCK, order, options)
  }

  async unblock(subject: string): Promise<void> {
    await this.#forget(boundedSubject(subject), [SUBJECT_BLOCK])
  }

  explain(policy: string, options: { readonly tier?: string; readonly subject?: string } = {}): PolicyExplanation {
    const plan = this.#desk.plan(policy, options.subject, options.tier)
    return explainPlan(plan, this.#desk.override(options.subject, policy) !== undefined)
  }

  policiesFor(method: string, route: string): readonly string[] | undefined {
    return this.#desk.policiesFor(method, route)
  }

  noteRoute(policy: string): void {
    this.#desk.policy(policy)
    this.#desk.use(policy)
  }

  unusedPolicies(): readonly string[] {
    return this.#desk.unused()
  }

  warnings(): readonly string[] {
    return idleWarnings(this.#desk)
  }

  selfTest(): Promise<readonly string[]> {
    return selfTest(this.#desk, this.#backend, Math.max(this.#deadlineMs, SELF_TEST_DEADLINE_MS))
  }

  reload(rules: RateLimitRules): void {
    this.#desk.reload(rules)
    this.#decider.forgetDenials()
  }

  async refresh(): Promise<void> {
    await this.#rules?.refresh()
  }

  forgetTier(subject: string): void {
    this.#tiers?.forget(subject)
  }

  close(): Promise<void> {
    return this.#decider.close()
  }

  #decideOne(policy: string, subject: string, options: CheckOptions, peek: boolean): Decision | Promise<Decision> {
    const plan = this.#planFor(policy, subject, options)
    if (plan instanceof Promise) return this.#decideLater(plan, subject, options, peek)
    return this.#decider.decideOne(plan, boundedSubject(subject), costIn(options), peek)
  }

  #promiseOne(policy: string, subject: string, options: CheckOptions, peek: boolean): Promise<Decision> {
    try {
      const decision = this.#decideOne(policy, subject, options, peek)
      return decision instanceof Promise ? decision : Promise.resolve(decision)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #decideLater(
    plan: Promise<PolicyPlan>,
    subject: string,
    options: CheckOptions,
    peek: boolean,
  ): Promise<Decision> {
    return this.#decider.decideOne(await plan, boundedSubject(subject), costIn(options), peek)
  }

  #planFor(policy: string, subject: string, { tier }: CheckOptions): PolicyPlan | Promise<PolicyPlan> {
    this.#rules?.keepFresh()
    const override = this.#desk.override(subject, policy)
    const found = override !== undefined || tier !== undefined ? tier : this.#tiers?.find(subject)
    this.#desk.use(policy)
    if (!(found instanceof Promise)) return this.#desk.plan(policy, subject, found)
    return found.then((later) => this.#desk.plan(policy, subject, later))
  }

  async #forget(subject: string, limits: Parameters<RateLimitBackend['reset']>[1]): Promise<void> {
    const options = { deadlineMs: this.#deadlineMs }
    await this.#decider.local.reset(subject, limits, options)
    try {
      await this.#backend.reset(subject, limits, options)
    } finally {
      this.#decider.forgetDenials(subject)
    }
  }

  #tierLookup(options: RateLimiterOptions, logger: Logger, clock: Clock): TierLookup | undefined {
    const { tierOf, defaultTier: fallback, tierFreshFor = '1m', tierDeadline = '250ms' } = options
    if (tierOf === undefined && fallback === undefined) return undefined
    return new TierLookup({
      tierOf: tierOf ?? (() => undefined),
      fallback,
      freshMs: parseDuration(tierFreshFor, 'tierFreshFor of the rate limiter'),
      deadlineMs: parseDuration(tierDeadline, 'tierDeadline of the rate limiter'),
      isKnown: (tier) => this.#desk.isTier(tier),
      logger,
      clock,
    })
  }

  #rulesSource(options: RateLimiterOptions, logger: Logger, clock: Clock): RulesSource | undefined {
    const { loadRules, rulesFreshFor = '30s' } = options
    if (loadRules === undefined) return undefined
    const everyMs = parseDuration(rulesFreshFor, 'rulesFreshFor of the rate limiter')
    return new RulesSource({ load: loadRules, everyMs, apply: (rules) => this.reload(rules), logger, clock })
  }
}

const NONE: CheckOptions = {}

/** What a check costs: 1 when nothing is said. What is said wrongly, such as `null`, stays for the decider to refuse. */
function costIn({ cost = 1 }: CheckOptions): Cost {
  return cost
}

/** Nobody waits for a self-test, and a first command may be slow. */
const SELF_TEST_DEADLINE_MS = 1000

function requireDistinct(checks: readonly PlannedCheck[]): void {
  if (checks.length === 0) {
    throw new RateLimitUsageError(
      'RATE_LIMIT_UNKNOWN_POLICY',
      'Nothing was asked: name at least one policy and subject.',
    )
  }
  const keys = checks.map(({ plan, subject }) => `${plan.policy} ${subject}`)
  const twice = checks.find((_, i) => keys.indexOf(keys[i] ?? '') !== i)
  if (twice === undefined) return
  const message = `Policy "${twice.plan.policy}" is asked twice for one subject. Ask once, with the costs added up.`
  throw new RateLimitUsageError('RATE_LIMIT_INVALID_COST', message)
}

/** Names of options that are no rules. What is left may be misspelt. */
const SETTINGS: Readonly<Record<Exclude<keyof RateLimiterOptions, keyof RateLimitRules>, true>> = {
  backend: true,
  onOutage: true,
  instances: true,
  deadline: true,
  clock: true,
  logger: true,
  logOutages: true,
  tierOf: true,
  defaultTier: true,
  tierFreshFor: true,
  tierDeadline: true,
  loadRules: true,
  rulesFreshFor: true,
}

function rulesOf(options: RateLimiterOptions): RateLimitRules {
  const rules = Object.entries(options).filter(([name]) => !Object.hasOwn(SETTINGS, name))
  return Object.fromEntries(rules) as unknown as RateLimitRules
}

/** With no time to answer in, every check would be one during an outage. */
function requireDeadline(deadlineMs: number): void {
  if (deadlineMs >= 1) return
  const remedy = "Give at least '1ms'; the default is '75ms'."
  throw new ConfigError([{ id: 'invalid', subjects: ['deadline'], problem: 'leaves no time to answer in', remedy }])
}

function requireInstances(instances: number): void {
  if (Number.isSafeInteger(instances) && instances >= 1) return
  const remedy = 'Give the number of processes that share the backend.'
  throw new ConfigError([{ id: 'invalid', subjects: ['instances'], problem: 'must be a whole number above 0', remedy }])
}
