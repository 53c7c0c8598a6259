import { parseCacheControl } from './cache-control.js'
import { type FreshnessWish, freshnessWish, NO_WISH } from './freshness.js'
import { fieldLine } from './header-fields.js'
import { hasStatePrecondition } from './precondition.js'
import type { RequestFacts } from './request-facts.js'
import type { RoutePolicy } from './route-policy.js'

/** How a request may use the cache. */
export interface Admission {
  /** Only a response that says so itself may be shared with this request, or stored from it (RFC 9111 3.5). */
  readonly needsPermission: boolean
  readonly wish: FreshnessWish
  readonly onlyIfCached: boolean
}

const PLAIN: Admission = { needsPermission: false, wish: NO_WISH, onlyIfCached: false }
const WITH_PERMISSION: Admission = { ...PLAIN, needsPermission: true }

/** Why a request may not use the cache, as one word. */
export type Bypass = 'precondition' | 'no-user' | 'no-role' | 'undeclared-scope'

/** Decides whether and how a request may use the cache, before anything is read. */
export function admit(policy: RoutePolicy, facts: RequestFacts): Admission | Bypass {
  if (hasStatePrecondition(facts.headers)) return 'precondition'
  const needsPermission = sharing(policy, facts)
  if (typeof needsPermission === 'string') return needsPermission
  const line = fieldLine(facts.headers, 'cache-control') ?? pragma(facts)
  if (line === undefined) return needsPermission ? WITH_PERMISSION : PLAIN
  const control = parseCacheControl(line)
  const wish = policy.requestDirectives === 'all' ? freshnessWish(control) : NO_WISH
  return { needsPermission, wish, onlyIfCached: control.has('only-if-cached') }
}

/** Whether the answers to a request may be shared as its route says only if they allow it themselves; or why they may not be at all. */
export function sharing(policy: RoutePolicy, facts: RequestFacts): boolean | Bypass {
  if (policy.scope === 'user' && facts.principal === undefined) return 'no-user'
  if (policy.scope === 'role' && facts.principal?.role === undefined) return 'no-role'
  const needsPermission = policy.scope === 'undeclared' && hasCredentials(policy, facts)
  return needsPermission && policy.rules === 'route' ? 'undeclared-scope' : needsPermission
}

/** RFC 9111 3.5 speaks of `Authorization` alone; an application that logs people in by cookies means the same by them. */
function hasCredentials(policy: RoutePolicy, { headers, principal }: RequestFacts): boolean {
  if (headers.authorization !== undefined || principal !== undefined) return true
  return policy.rules === 'route' && headers.cookie !== undefined
}

/** `Pragma: no-cache` means the directive of that name where there is no `Cache-Control` (RFC 9111 5.4). */
function pragma({ headers }: RequestFacts): string | undefined {
  return fieldLine(headers, 'pragma')?.trim().toLowerCase() === 'no-cache' ? 'no-cache' : undefined
}
