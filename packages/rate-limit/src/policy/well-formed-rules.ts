import type { Fault } from '@plinth/config/units'
import type { OverrideDefinition, PolicyDefinition, RateLimitRules, TierDefinition } from './rate-limit-rules.js'

/** Rules whose every field has a name and a kind that rules know. */
export interface WellFormedRules {
  readonly policies: Readonly<Record<string, PolicyDefinition>>
  readonly tiers: Readonly<Record<string, TierDefinition | 'unlimited'>>
  readonly overrides: Readonly<Record<string, OverrideDefinition>>
  readonly routes: Readonly<Record<string, string | readonly string[]>>
}

/**
 * Looks at rules as data, which may come from a file or a database: what is misspelt or of the wrong kind is a fault.
 *
 * A limit that nobody reads is a limit that does not hold, so nothing unknown is passed over. The rules that come back lack
 * what is at fault: the rest can still be judged.
 */
export function wellFormedRules(rules: unknown): {
  readonly rules: WellFormedRules
  readonly faults: readonly Fault[]
} {
  const faults: Fault[] = []
  const { policies, tiers, overrides, routes } = readFields(rules, RULES, 'rate limiter', faults)
  const wellFormed = {
    policies: mapOf(policies, (one, name) => ({ limits: [], ...readFields(one, POLICY, `policy "${name}"`, faults) })),
    tiers: mapOf(tiers, (one, name) => (one === 'unlimited' ? one : readTier(one, TIER, `tier "${name}"`, faults))),
    overrides: mapOf(overrides, (one, subject) => readTier(one, OVERRIDE, overrideName(subject), faults)),
    routes: mapOf(routes, (one, rule) => readRoute(one, rule, faults)),
  }
  return { rules: wellFormed as unknown as WellFormedRules, faults }
}

/** How messages call the override of a subject: without its id, which may be personal. */
export function overrideName(subject: string): string {
  return `override of ${subject.split(':')[0] ?? ''}:…`
}

/** What a field may be, in words and as a question. */
interface Kind {
  readonly words: string
  readonly is: (value: unknown) => boolean
}

type Fields = Readonly<Record<string, unknown>>

const MAP: Kind = { words: 'an object', is: isMap }
const LIST: Kind = { words: 'a list', is: Array.isArray }
const TEXT: Kind = { words: 'a text', is: (value) => typeof value === 'string' }
const SWITCH: Kind = { words: 'true or false', is: (value) => typeof value === 'boolean' }
/** Judged where it is used. */
const ANY: Kind = { words: 'anything', is: () => true }

const RULES = { policies: MAP, tiers: MAP, overrides: MAP, routes: MAP } satisfies Record<keyof RateLimitRules, Kind>
const POLICY = {
  limits: LIST,
  onOutage: TEXT,
  escalate: MAP,
  hot: SWITCH,
  shadow: SWITCH,
  tiered: SWITCH,
  routed: SWITCH,
} satisfies Record<keyof PolicyDefinition, Kind>
const ESCALATION = { block: ANY, factor: ANY, max: ANY, remember: ANY }
const TIER = { extends: TEXT, scale: ANY, limits: MAP } satisfies Record<keyof TierDefinition, Kind>
const OVERRIDE = { tier: TEXT, scale: ANY, limits: MAP } satisfies Record<keyof OverrideDefinition, Kind>

function readTier(value: unknown, kinds: Readonly<Record<string, Kind>>, what: string, faults: Fault[]): Fields {
  const { limits, ...rest } = readFields(value, kinds, what, faults)
  if (limits === undefined) return rest
  const kept = mapOf(limits, (one, policy) => {
    // taken for no limits at all, anything else would admit everything
    if (one === 'unlimited' || (Array.isArray(one) && one.length > 0)) return one
    const problem = `has limits of policy "${policy}" that are neither a list with something in it nor "unlimited"`
    faults.push(faultOf(what, problem, 'Write them as [\'100/1m\'], or "unlimited".'))
    return undefined
  })
  return { ...rest, limits: kept }
}

function readRoute(value: unknown, rule: string, faults: Fault[]): unknown {
  const isList = Array.isArray(value) && value.length > 0 && value.every(TEXT.is)
  if (isList || TEXT.is(value)) return value
  const remedy = 'Give the name of a policy, a list of names, or none.'
  faults.push({ ...faultOf(`route "${rule}"`, 'names no policy', remedy), id: 'invalid-route-rule' })
  return 'none'
}

/** The fields of `value` that are known and of their kind, a policy's escalation among them. */
function readFields(value: unknown, kinds: Readonly<Record<string, Kind>>, what: string, faults: Fault[]): Fields {
  if (!isMap(value)) {
    faults.push(faultOf(what, `must be an object (got ${describeKind(value)})`, knownFields(kinds)))
    return {}
  }
  const fields: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      faults.push(faultOf(what, `has the unknown field "${name.slice(0, 32)}"`, knownFields(kinds)))
    } else if (!kind.is(field)) {
      const problem = `has a field "${name}" that must be ${kind.words} (got ${describeKind(field)})`
      faults.push(faultOf(what, problem, 'Mend it, or leave it out for its default.'))
    } else {
      fields[name] = kinds === POLICY && name === 'escalate' ? readFields(field, ESCALATION, what, faults) : field
    }
  }
  return fields
}

/** Another map, without what became nothing. Own entries only: a name such as `__proto__` stays a name. */
function mapOf(map: unknown, read: (value: unknown, name: string) => unknown): Fields {
  const entries = isMap(map) ? Object.entries(map) : []
  const kept = entries.map(([name, value]) => [name, read(value, name)] as const)
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined))
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describeKind(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value
}

function knownFields(kinds: Readonly<Record<string, Kind>>): string {
  const beside = kinds === RULES ? '; createRateLimiter knows its options besides' : ''
  return `Known fields: ${Object.keys(kinds).join(', ')}${beside}.`
}

function faultOf(subject: string, problem: string, remedy: string): Fault {
  return { id: 'invalid-rate-limit', subjects: [subject], problem, remedy }
}
