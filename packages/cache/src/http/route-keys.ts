import type { HeaderFields } from './header-fields.js'
import type { RequestFacts } from './request-facts.js'
import { selectFromRequest } from './request-selector.js'
import { type RouteKey, routeKey } from './route-key.js'
import type { RoutePolicy } from './route-policy.js'
import type { RouteTemplate } from './route-template.js'

/** How many keys of one policy are remembered. */
const MOST_KEYS = 1_000
/** What is longer is worked out each time: nobody should fill the memory with long URLs. */
const LONGEST_INPUT = 500

/** The keys of one policy, by everything in a request that they are made of. */
interface KnownKeys {
  readonly keys: Map<string, RouteKey>
  readonly namesCaller: boolean
}

/** Remembers the keys of requests that come again: to make a key costs more than to find its entry. */
export class RouteKeys {
  readonly #known = new WeakMap<RoutePolicy, KnownKeys>()

  /** Gives what {@link routeKey} gives. @throws MisconfiguredError when a template asks for a parameter that the route lacks. */
  of(policy: RoutePolicy, facts: RequestFacts): RouteKey {
    let known = this.#known.get(policy)
    if (known === undefined) {
      known = { keys: new Map(), namesCaller: namesCaller(policy) }
      this.#known.set(policy, known)
    }
    const input = inputOf(policy, known.namesCaller, facts)
    if (input.length > LONGEST_INPUT) return routeKey(policy, facts)
    const found = known.keys.get(input)
    return found ?? remember(known.keys, input, routeKey(policy, facts))
  }
}

/** The oldest goes when there are too many: what is asked often is soon there again. */
function remember(keys: Map<string, RouteKey>, input: string, key: RouteKey): RouteKey {
  if (keys.size >= MOST_KEYS) {
    const oldest = keys.keys().next()
    if (oldest.done !== true) keys.delete(oldest.value)
  }
  keys.set(input, key)
  return key
}

function namesCaller({ scope, key, tags }: RoutePolicy): boolean {
  const byUser = ({ placeholders }: RouteTemplate) => placeholders.some(({ from }) => from === 'user')
  return scope === 'user' || scope === 'role' || (key !== undefined && byUser(key)) || tags.some(byUser)
}

/**
 * All that a key is made of, in such a way that no two requests with different keys give the same text: neither a pattern, nor an
 * origin, nor what stands in a request line holds a line break, and all other text goes with its length before it.
 */
function inputOf(policy: RoutePolicy, withCaller: boolean, facts: RequestFacts): string {
  const { params, headers, principal } = facts
  let input = `${facts.route}\n${facts.origin}\n${facts.path}?${facts.query}\n`
  for (const name in params) {
    const value = params[name]
    input += typeof value === 'string' ? part(value) : part(JSON.stringify(value ?? null))
  }
  if (withCaller) input += part(principal?.id) + part(principal?.role)
  for (const selector of policy.vary) input += part(selected(headers, selector))
  return input
}

/** Of cookies the one that counts; of any other field the line as it is, which is cheaper than its normal form. */
function selected(headers: HeaderFields, selector: string): string | undefined {
  if (selector.startsWith('cookie:')) return selectFromRequest(headers, selector)
  const value = headers[selector]
  return typeof value === 'string' || value === undefined ? value : value.join(', ')
}

function part(text: string | undefined): string {
  return text === undefined ? '-' : `${text.length}:${text}`
}
