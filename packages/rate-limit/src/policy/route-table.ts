import type { Fault } from '@plinth/config/units'

/** Finds which policies a route is charged to. */
export interface RouteTable {
  /**
   * The policies for a method and a route pattern, as the framework knows it (`/posts/:id`), never a URL.
   *
   * `HEAD` is `GET`. `undefined` when no rule speaks about it; an empty list when a rule says `none`.
   */
  policiesFor(method: string, route: string): readonly string[] | undefined
  /** Every policy that some rule names. */
  readonly policies: ReadonlySet<string>
}

/** One rule, taken apart. */
interface RouteRule {
  readonly method: string | undefined
  /** Compared in lower case, with every parameter as `:`; a trailing `*` matches any rest. */
  readonly path: string
  readonly prefix: boolean
  readonly policies: readonly string[]
}

const RULE = /^(?:([A-Z]+) )?(\/\S*|\*)$/

/** Compiles route rules; what is wrong with them comes back as faults. */
export function compileRoutes(
  rules: Readonly<Record<string, string | readonly string[]>>,
  known: ReadonlySet<string>,
): { readonly table: RouteTable; readonly faults: readonly Fault[] } {
  const faults: Fault[] = []
  const compiled: RouteRule[] = []
  for (const [rule, target] of Object.entries(rules)) {
    const [, method, pattern] = RULE.exec(rule) ?? []
    if (pattern === undefined)
      faults.push(faultOf(rule, 'is not understood', "Write it as 'POST /exports' or '/api/*'."))
    const policies = target === 'none' ? [] : typeof target === 'string' ? [target] : target
    for (const policy of policies) {
      const remedy = `Known: ${[...known].join(', ')}, or none.`
      if (!known.has(policy)) faults.push(faultOf(rule, `names the unknown policy "${policy}"`, remedy))
    }
    const path = normalRoute(pattern ?? '')
    const prefix = path.endsWith('*')
    compiled.push({ method, path: prefix ? path.slice(0, -1) : path, prefix, policies })
  }
  compiled.sort(mostSpecificFirst)
  return { table: new SortedRules(compiled), faults }
}

/** A route pattern in the form in which two spellings of one pattern are equal. */
function normalRoute(route: string): string {
  const path = route.replace(/[:{][^/]*/g, ':').replace(/\/{2,}/g, '/')
  return (path.length > 1 ? path.replace(/\/$/, '') : path).toLowerCase()
}

class SortedRules implements RouteTable {
  readonly policies: ReadonlySet<string>
  readonly #rules: readonly RouteRule[]
  readonly #found = new Map<string, readonly string[] | undefined>()

  constructor(rules: readonly RouteRule[]) {
    this.#rules = rules
    this.policies = new Set(rules.flatMap((rule) => rule.policies))
  }

  policiesFor(asked: string, route: string): readonly string[] | undefined {
    if (this.#rules.length === 0) return undefined
    const method = asked === 'HEAD' ? 'GET' : asked
    const key = `${method} ${route}`
    if (this.#found.has(key)) return this.#found.get(key)
    const path = normalRoute(route)
    const rule = this.#rules.find((one) => (one.method ?? method) === method && matches(one, path))
    if (this.#found.size < MOST_ROUTES) this.#found.set(key, rule?.policies)
    return rule?.policies
  }
}

/** Routes are patterns, so there are few; if somebody passes URLs, at least the memory stays bounded. */
const MOST_ROUTES = 10_000

function matches({ path, prefix }: RouteRule, route: string): boolean {
  if (!prefix) return path === route
  return route.startsWith(path) || `${route}/` === path
}

function mostSpecificFirst(a: RouteRule, b: RouteRule): number {
  const exact = Number(a.prefix) - Number(b.prefix)
  if (exact !== 0) return exact
  if (a.path.length !== b.path.length) return b.path.length - a.path.length
  return Number(b.method !== undefined) - Number(a.method !== undefined)
}

function faultOf(rule: string, problem: string, remedy: string): Fault {
  return { id: 'invalid-route-rule', subjects: [`route "${rule}"`], problem, remedy }
}
