import { RateLimitUsageError } from '../rate-limit-usage-error.js'
import { type CompiledPolicy, type CompileOptions, compileRules, type PolicyBook } from './policy-book.js'
import type { PolicyPlan } from './policy-plan.js'
import type { RateLimitRules } from './rate-limit-rules.js'

interface LatestPlan {
  readonly name: string
  readonly tier: string | undefined
  readonly plan: PolicyPlan
}

/** Answers which plan applies to whom, by the rules as they stand. */
export class PolicyDesk {
  readonly #options: CompileOptions
  readonly #used = new Set<string>()
  /** Most calls in a row are about one policy. */
  #lastUsed: string | undefined
  /** The plan that was asked for last, while nobody has one of his own: the next question is mostly the same. */
  #latest: LatestPlan | undefined
  #book: PolicyBook

  constructor(rules: RateLimitRules, options: CompileOptions) {
    this.#options = options
    this.#book = compileRules(rules, options)
  }

  /** Takes other rules as a whole. @throws ConfigError, and keeps those before. */
  reload(rules: RateLimitRules): void {
    this.#book = compileRules(rules, this.#options)
    this.#latest = undefined
  }

  /** @throws RateLimitUsageError for an unknown policy. */
  policy(name: string): CompiledPolicy {
    const found = this.#book.policies.get(name)
    if (found !== undefined) return found
    throw unknownName('RATE_LIMIT_UNKNOWN_POLICY', 'policy', name, this.#book.policies.keys())
  }

  /** The plan for a subject in a tier. @throws RateLimitUsageError for an unknown policy or tier. */
  plan(name: string, subject: string | undefined, tier: string | undefined): PolicyPlan {
    const latest = this.#latest
    if (latest !== undefined && latest.name === name && latest.tier === tier) return latest.plan
    const policy = this.policy(name)
    if (tier !== undefined && !this.#book.tiers.has(tier)) {
      throw unknownName('RATE_LIMIT_UNKNOWN_TIER', 'tier', tier, this.#book.tiers)
    }
    const override = this.override(subject, name)
    if (override !== undefined) return override
    const plan = tier === undefined ? policy.own : (policy.byTier.get(tier) ?? policy.own)
    if (this.#book.overrides.size === 0) this.#latest = { name, tier, plan }
    return plan
  }

  /** What a single subject gets in place of its tier. */
  override(subject: string | undefined, policy: string): PolicyPlan | undefined {
    if (subject === undefined || this.#book.overrides.size === 0) return undefined
    return this.#book.overrides.get(subject)?.plans.get(policy)
  }

  isTier(name: string): boolean {
    return this.#book.tiers.has(name)
  }

  policiesFor(method: string, route: string): readonly string[] | undefined {
    return this.#book.routes.policiesFor(method, route)
  }

  /** Notes that a policy is in use. */
  use(policy: string): void {
    if (policy === this.#lastUsed) return
    this.#lastUsed = policy
    this.#used.add(policy)
  }

  /** Policies that should be used by a route and are used by nothing. */
  unused(): readonly string[] {
    const { policies, routes } = this.#book
    return [...policies].flatMap(([name, { definition }]) => {
      const isUsed = definition.routed === false || this.#used.has(name) || routes.policies.has(name)
      return isUsed ? [] : [name]
    })
  }

  /** Whether nothing at all uses any policy. */
  get isIdle(): boolean {
    return this.#used.size === 0 && this.#book.routes.policies.size === 0
  }
}

function unknownName(
  code: 'RATE_LIMIT_UNKNOWN_POLICY' | 'RATE_LIMIT_UNKNOWN_TIER',
  what: string,
  name: string,
  known: Iterable<string>,
): RateLimitUsageError {
  const names = [...known].join(', ') || 'none'
  return new RateLimitUsageError(
    code,
    `There is no rate limit ${what} "${String(name).slice(0, 64)}". Known: ${names}.`,
  )
}
