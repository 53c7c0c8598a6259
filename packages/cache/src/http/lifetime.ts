import { type CacheControl, deltaSeconds, listedFields } from './cache-control.js'
import { explicitLifetimeMs, heuristicLifetimeMs } from './freshness.js'
import type { HeaderFields } from './header-fields.js'
import type { RoutePolicy } from './route-policy.js'

/** How long a response is good for, in milliseconds. */
export interface Lifetime {
  readonly lifetimeMs: number
  readonly swrMs: number
  readonly staleIfErrorMs: number
  readonly mustRevalidate: boolean
}

/**
 * Gives how long a response may be reused: by the route's options, or by its own fields under `rfc9111`.
 *
 * `no-cache`, `must-revalidate` and `proxy-revalidate` forbid stale answers under both rules, whatever the route would put up with;
 * `s-maxage` forbids them under `rfc9111` where the response does not allow them itself (RFC 9111 4.2.4 and 5.2.2.10).
 */
export function lifetimeOf(
  policy: RoutePolicy,
  response: { readonly status: number; readonly fields: HeaderFields },
  control: CacheControl,
  arrivedAt: number,
  defaultTtlMs: number,
): Lifetime {
  const asksAlways = control.has('no-cache') && listedFields(control, 'no-cache') === undefined
  const lifetimeMs = asksAlways ? 0 : freshMs(policy, response, control, arrivedAt, defaultTtlMs)
  const mustRevalidate = asksAlways || control.has('must-revalidate') || control.has('proxy-revalidate')
  if (mustRevalidate) return { lifetimeMs, swrMs: 0, staleIfErrorMs: 0, mustRevalidate }
  if (policy.rules === 'route') {
    return { lifetimeMs, swrMs: policy.swrMs, staleIfErrorMs: policy.staleIfErrorMs, mustRevalidate }
  }
  const allowedMs = (directive: string, byRouteMs: number) => {
    const seconds = deltaSeconds(control, directive)
    return seconds === undefined ? (control.has('s-maxage') ? 0 : byRouteMs) : seconds * 1000
  }
  const swrMs = allowedMs('stale-while-revalidate', policy.swrMs)
  const staleIfErrorMs = allowedMs('stale-if-error', policy.staleIfErrorMs)
  return { lifetimeMs, swrMs, staleIfErrorMs, mustRevalidate: control.has('s-maxage') && swrMs + staleIfErrorMs === 0 }
}

function freshMs(
  policy: RoutePolicy,
  { status, fields }: { readonly status: number; readonly fields: HeaderFields },
  control: CacheControl,
  arrivedAt: number,
  defaultTtlMs: number,
): number {
  if (policy.rules === 'rfc9111') {
    return explicitLifetimeMs(control, fields, arrivedAt) ?? heuristicLifetimeMs(status, control, fields, arrivedAt)
  }
  if (status === 404 || status === 410) return policy.negativeTtlMs
  const forSharedCaches = deltaSeconds(control, 's-maxage')
  if (forSharedCaches !== undefined) return forSharedCaches * 1000
  return policy.ttlMs ?? explicitLifetimeMs(control, fields, arrivedAt) ?? defaultTtlMs
}
