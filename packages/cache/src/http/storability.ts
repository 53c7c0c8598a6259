import { type CacheControl, listedFields } from './cache-control.js'
import { fieldLine, fieldMembers, type HeaderFields } from './header-fields.js'
import type { RoutePolicy } from './route-policy.js'

/** A response that a handler has finished, as the adapter saw it go by. */
export interface CapturedResponse {
  readonly status: number
  /** Every field as it would be sent. */
  readonly fields: HeaderFields
  /** The fields as they stood before the handler ran. */
  readonly prior: HeaderFields
  readonly body: Uint8Array
}

/** Why a response is not stored, as one word: it goes into `Cache-Status` and into the log. */
export type Refusal =
  | 'alone'
  | 'authorization'
  | 'cors-origin'
  | 'csp-nonce'
  | 'expired'
  | 'fenced'
  | 'incomplete'
  | 'must-understand'
  | 'no-cache'
  | 'no-store'
  | 'partial'
  | 'private'
  | 'set-cookie'
  | 'status'
  | 'too-large'
  | 'unkeyed-read'
  | 'vary'

/** Whole answers that are the same for everyone who asks the same. Redirects that are not permanent are not: a login is one. */
const ROUTE_STATUSES: ReadonlySet<number> = new Set([200, 203, 301, 308])

/** Answers about a resource that is not there: stored only where the route gives them a lifetime. */
const NEGATIVE_STATUSES: ReadonlySet<number> = new Set([404, 410])

const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 500, 501, 502, 503, 504,
])

/** Whether a shared cache may use a response for requests with credentials because the response itself says so (RFC 9111 3.5). */
export function sharesWithCredentials(control: CacheControl): boolean {
  return control.has('public') || control.has('must-revalidate') || control.has('s-maxage')
}

/**
 * Gives the reason why a response must not be stored, or `undefined` when it may be.
 *
 * Lifetime is not judged here. Nor is the body: the adapter refuses what was cut short or grew too large.
 */
export function refusal(
  policy: RoutePolicy,
  response: CapturedResponse,
  control: CacheControl,
  needsPermission: boolean,
): Refusal | undefined {
  const { fields, status } = response
  if (fields['set-cookie'] !== undefined) return 'set-cookie'
  if (control.has('no-store')) return 'no-store'
  if (policy.scope !== 'user' && control.has('private') && listedFields(control, 'private') === undefined) {
    return 'private'
  }
  if (status === 206 || fields['content-range'] !== undefined)
    return policy.rules === 'rfc9111' && status !== 206 ? undefined : 'partial'
  if (fieldMembers(fields.vary).includes('*')) return 'vary'
  if (needsPermission && !sharesWithCredentials(control)) return 'authorization'
  if (fieldLine(fields, 'content-security-policy')?.includes("'nonce-") === true) return 'csp-nonce'
  if (reflectsOrigin(policy, response)) return 'cors-origin'
  return policy.rules === 'route' ? routeRefusal(policy, status, control) : rfcRefusal(status, control)
}

function routeRefusal(policy: RoutePolicy, status: number, control: CacheControl): Refusal | undefined {
  const listed = ROUTE_STATUSES.has(status) || (NEGATIVE_STATUSES.has(status) && policy.negativeTtlMs > 0)
  if (!listed) return 'status'
  const bareNoCache = control.has('no-cache') && listedFields(control, 'no-cache') === undefined
  return bareNoCache && !policy.revalidate ? 'no-cache' : undefined
}

function rfcRefusal(status: number, control: CacheControl): Refusal | undefined {
  if (status < 200 || status === 304) return 'status'
  return control.has('must-understand') && !UNDERSTOOD.has(status) ? 'must-understand' : undefined
}

/** A handler that echoes the asking origin without saying so would let one site's answer open another's door. */
function reflectsOrigin(policy: RoutePolicy, { fields, prior }: CapturedResponse): boolean {
  const allowed = fieldLine(fields, 'access-control-allow-origin')
  if (allowed === undefined || allowed === '*' || allowed === fieldLine(prior, 'access-control-allow-origin'))
    return false
  return !policy.vary.includes('origin') && !fieldMembers(fields.vary).some((name) => name.toLowerCase() === 'origin')
}
