import { ConfigError, type Fault, parseDuration } from '@plinth/config/units'
import { blockLimit, LONGEST_BLOCK_MS, SUBJECT_BLOCK } from '../algorithms/block.js'
import type { RateLimitBackend } from '../rate-limit-backend.js'
import { compileLimits } from './compile-limit.js'
import type { Limit } from './limit.js'
import { type LimitInput, type ParsedLimit, parseLimit } from './parse-limit.js'
import type { PolicyPlan } from './policy-plan.js'
import type {
  EscalationDefinition,
  OutageMode,
  OverrideDefinition,
  PolicyDefinition,
  RateLimitRules,
  TierDefinition,
} from './rate-limit-rules.js'
import { compileRoutes, type RouteTable } from './route-table.js'
import { overrideName, type WellFormedRules, wellFormedRules } from './well-formed-rules.js'

/** Compiled rules: every combination of policy and tier that can be asked for. */
export interface PolicyBook {
  readonly policies: ReadonlyMap<string, CompiledPolicy>
  readonly tiers: ReadonlySet<string>
  /** Overrides by subject, then by policy. */
  readonly overrides: ReadonlyMap<string, Override>
  readonly routes: RouteTable
}

/** One policy, for everyone. */
export interface CompiledPolicy {
  readonly definition: PolicyDefinition
  /** For callers without a tier. */
  readonly own: PolicyPlan
  readonly byTier: ReadonlyMap<string, PolicyPlan>
  /** Everything that any tier or override keeps state in: what `reset` forgets. */
  readonly everyLimit: readonly Limit[]
}

/** What a single subject gets. */
export interface Override {
  readonly tier: string | undefined
  readonly plans: ReadonlyMap<string, PolicyPlan>
}

/** What compiling needs to know beside the rules. */
export interface CompileOptions {
  readonly onOutage: OutageMode
  readonly backend: Pick<RateLimitBackend, 'name' | 'refuses'>
  /** The tier that has to be there. */
  readonly defaultTier?: string | undefined
}

/**
 * Compiles rules, or throws with everything that is wrong with them.
 *
 * @throws ConfigError listing every fault: unknown fields, limits, names, tiers that extend nothing or each other, what the
 * backend cannot keep.
 */
export function compileRules(rules: RateLimitRules, options: CompileOptions): PolicyBook {
  return new Compiler(rules, options).compile()
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** What a tier says about one policy: limits with the factor still to be applied, or no limits at all. */
interface Effective {
  readonly inputs: readonly ParsedLimit[] | 'unlimited'
  readonly scale: number
}

class Compiler {
  readonly #rules: WellFormedRules
  readonly #options: CompileOptions
  readonly #faults: Fault[]
  readonly #tiers: ReadonlyMap<string, TierDefinition | 'unlimited'>
  readonly #parsed = new Map<unknown, readonly ParsedLimit[]>()
  readonly #units = new Map<string, Set<string>>()

  constructor(stated: RateLimitRules, options: CompileOptions) {
    const { rules, faults } = wellFormedRules(stated)
    this.#rules = rules
    this.#faults = [...faults]
    this.#options = options
    this.#tiers = new Map(Object.entries(rules.tiers))
  }

  compile(): PolicyBook {
    const entries = Object.entries(this.#rules.policies)
    if (entries.length === 0) this.#fault('policies', 'has no policy', 'Name at least one, such as api.')
    this.#checkTiers(new Set(entries.map(([name]) => name)))
    const policies = new Map(entries.map(([name, definition]) => [name, this.#policy(name, definition)]))
    const overrides = new Map(
      Object.entries(this.#rules.overrides).map(([subject, definition]) => [
        subject,
        this.#override(subject, definition, policies),
      ]),
    )
    const routes = compileRoutes(this.#rules.routes, new Set(policies.keys()))
    this.#faults.push(...routes.faults)
    if (this.#faults.length > 0) throw new ConfigError(this.#faults)
    return { policies, overrides, tiers: new Set(this.#tiers.keys()), routes: routes.table }
  }

  #policy(name: string, definition: PolicyDefinition): CompiledPolicy {
    const what = `policy "${name}"`
    this.#checkName(what, name)
    if (definition.limits.length === 0) {
      this.#fault(what, 'has no limits', "Give it at least one, such as limits: ['100/1m'].")
    }
    const base: Effective = { inputs: this.#parse(definition.limits, what), scale: 1 }
    const own = this.#plan(name, definition, base, undefined, what)
    const byTier = new Map<string, PolicyPlan>()
    for (const tier of this.#tiers.keys()) {
      const effective = definition.tiered === false ? base : this.#effective(tier, name, base)
      byTier.set(tier, this.#plan(name, definition, effective, tier, `${what} in tier "${tier}"`))
    }
    const everyLimit = new Map([own, ...byTier.values()].flatMap((plan) => plan.limits).map((one) => [one.key, one]))
    if (own.escalation !== undefined) everyLimit.set(own.escalation.block.key, own.escalation.block)
    return { definition, own, byTier, everyLimit: [...everyLimit.values()] }
  }

  #override(subject: string, definition: OverrideDefinition, policies: ReadonlyMap<string, CompiledPolicy>): Override {
    const what = overrideName(subject)
    const { tier } = definition
    if (tier !== undefined && !this.#tiers.has(tier)) this.#unknownTier(what, tier)
    this.#checkScaleAndLimits(what, definition, new Set(policies.keys()))
    const plans = new Map<string, PolicyPlan>()
    for (const [name, policy] of policies) {
      const base: Effective = { inputs: this.#parse(policy.definition.limits, what), scale: 1 }
      const inherited = tier === undefined ? base : this.#effective(tier, name, base)
      plans.set(name, this.#plan(name, policy.definition, this.#apply(definition, name, inherited), tier, what))
    }
    return { tier, plans }
  }

  #plan(
    policy: string,
    definition: PolicyDefinition,
    { inputs, scale }: Effective,
    tier: string | undefined,
    what: string,
  ): PolicyPlan {
    const shadow = definition.shadow === true
    const { limits, problems } = compileLimits(policy, inputs === 'unlimited' ? [] : inputs, { scale, shadow })
    for (const problem of problems) this.#fault(what, problem, 'Use a smaller limit, a shorter window or fixed.')
    for (const limit of limits) {
      const reason = this.#options.backend.refuses(limit)
      if (reason === undefined) continue
      this.#fault(what, `has a ${limit.algorithm} limit, but ${this.#options.backend.name} ${reason}`, REMEDY_BACKEND)
    }
    const escalation = this.#escalation(policy, what, definition.escalate)
    const cold = definition.hot === true ? limits.find((limit) => !canBeHot(limit)) : undefined
    if (cold !== undefined) this.#fault(what, `is hot, which a ${cold.algorithm} limit cannot be`, REMEDY_HOT)
    return Object.freeze({
      policy,
      tier,
      limits,
      units: this.#unitsOf(policy, limits),
      onOutage: this.#outage(what, definition.onOutage),
      blocks: escalation === undefined ? [SUBJECT_BLOCK] : [SUBJECT_BLOCK, escalation.block],
      escalation,
      watches: limits.some((limit) => limit.shadow),
      hot: definition.hot === true && limits.length > 0,
    })
  }

  /** One set for each policy, shared by its plans and complete once all are compiled. */
  #unitsOf(policy: string, limits: readonly Limit[]): ReadonlySet<string> {
    const units = this.#units.get(policy) ?? new Set(['requests'])
    for (const { unit } of limits) if (unit !== undefined) units.add(unit)
    this.#units.set(policy, units)
    return units
  }

  /** What `tier` makes of a policy, following what it extends. */
  #effective(tier: string, policy: string, base: Effective, seen: readonly string[] = []): Effective {
    const definition = this.#tiers.get(tier)
    if (definition === 'unlimited') return { inputs: 'unlimited', scale: 1 }
    if (definition === undefined || seen.includes(tier)) return base
    const parent = definition.extends
    const inherited = parent === undefined ? base : this.#effective(parent, policy, base, [...seen, tier])
    return this.#apply(definition, policy, inherited)
  }

  #apply(definition: TierDefinition, policy: string, inherited: Effective): Effective {
    const own = Object.hasOwn(definition.limits ?? {}, policy) ? definition.limits?.[policy] : undefined
    if (own === 'unlimited') return { inputs: 'unlimited', scale: 1 }
    if (own !== undefined) return { inputs: this.#parse(own, `limits of policy "${policy}" in a tier`), scale: 1 }
    return { inputs: inherited.inputs, scale: inherited.scale * (definition.scale ?? 1) }
  }

  #checkTiers(policies: ReadonlySet<string>): void {
    const { defaultTier } = this.#options
    if (defaultTier !== undefined && !this.#tiers.has(defaultTier)) this.#unknownTier('defaultTier', defaultTier)
    for (const [name, definition] of this.#tiers) {
      const what = `tier "${name}"`
      this.#checkName(what, name)
      if (definition === 'unlimited') continue
      const parent = definition.extends
      if (parent !== undefined && !this.#tiers.has(parent)) this.#unknownTier(what, parent)
      if (this.#extendsItself(name)) this.#fault(what, 'extends itself', 'Break the circle.')
      this.#checkScaleAndLimits(what, definition, policies)
    }
  }

  #checkScaleAndLimits(what: string, { scale, limits }: TierDefinition, policies: ReadonlySet<string>): void {
    if (scale !== undefined && !(Number.isFinite(scale) && scale > 0)) {
      this.#fault(what, `has a scale of ${String(scale)}`, 'Give a number above 0; use "unlimited" for no limit.')
    }
    for (const policy of Object.keys(limits ?? {})) {
      if (!policies.has(policy)) this.#fault(what, `limits the unknown policy "${policy}"`, knownNames(policies))
    }
  }

  #extendsItself(tier: string): boolean {
    const seen = new Set<string>()
    for (let at: string | undefined = tier; at !== undefined; ) {
      if (seen.has(at)) return at === tier
      seen.add(at)
      const definition = this.#tiers.get(at)
      at = definition === 'unlimited' ? undefined : definition?.extends
    }
    return false
  }

  #escalation(policy: string, what: string, escalate: EscalationDefinition | undefined): PolicyPlan['escalation'] {
    if (escalate === undefined) return undefined
    const factor = escalate.factor ?? 2
    if (!(Number.isFinite(factor) && factor >= 1)) this.#fault(what, 'has a factor below 1', 'Use 1 or more.')
    const baseMs = this.#duration(escalate.block, `escalate.block of ${what}`)
    const maxMs = Math.max(baseMs, this.#duration(escalate.max ?? '1d', `escalate.max of ${what}`))
    const rememberMs = this.#duration(escalate.remember ?? maxMs, `escalate.remember of ${what}`)
    return { block: blockLimit(policy), order: { baseMs, factor, maxMs, rememberMs, unlessBlocked: true } }
  }

  #duration(value: string | number, what: string): number {
    try {
      const ms = parseDuration(value, what)
      if (ms < 1 || ms > LONGEST_BLOCK_MS)
        this.#fault(what, 'must lie between 1ms and 366d', 'Choose another duration.')
      return ms
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#faults.push(...error.faults)
      return 1
    }
  }

  #parse(inputs: readonly LimitInput[], what: string): readonly ParsedLimit[] {
    const known = this.#parsed.get(inputs)
    if (known !== undefined) return known
    const parsed = inputs.flatMap((input: LimitInput) => {
      try {
        return [parseLimit(input, what)]
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        this.#faults.push(...error.faults)
        return []
      }
    })
    this.#parsed.set(inputs, parsed)
    return parsed
  }

  #outage(what: string, own: OutageMode | undefined): OutageMode {
    const mode = own ?? this.#options.onOutage
    if (!OUTAGE_MODES.includes(mode)) {
      const subject = own === undefined ? 'the rate limiter' : what
      this.#fault(subject, `has onOutage "${String(mode)}"`, `Use ${OUTAGE_MODES.join(', ')}.`)
    }
    return mode
  }

  #checkName(what: string, name: string): void {
    if (!NAME.test(name)) this.#fault(what, 'has an unusable name', 'Use up to 64 letters, digits and ._- characters.')
  }

  #unknownTier(what: string, tier: string): void {
    this.#fault(what, `names the unknown tier "${String(tier).slice(0, 64)}"`, knownNames(this.#tiers.keys()))
  }

  #fault(subject: string, problem: string, remedy: string): void {
    const known = this.#faults.some((fault) => fault.subjects[0] === subject && fault.problem === problem)
    if (!known) this.#faults.push({ id: 'invalid-rate-limit', subjects: [subject], problem, remedy })
  }
}

const OUTAGE_MODES: readonly OutageMode[] = ['local', 'open', 'closed']

const REMEDY_BACKEND = 'Choose another algorithm for it, or another backend.'

const REMEDY_HOT = 'Leave hot out, or use fixed, sliding or gcra, without a unit.'

/** Units taken in advance would break the bound of `strict`, and a slot is held by one call. */
function canBeHot({ algorithm, unit }: Limit): boolean {
  return unit === undefined && algorithm !== 'strict' && algorithm !== 'concurrency'
}

function knownNames(names: Iterable<string>): string {
  return `Known: ${[...names].join(', ') || 'none'}.`
}
