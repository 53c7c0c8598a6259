import type { SlotKey } from '../cache-slots.js'
import { encodeParam } from '../keys/encode-param.js'
import { keyedQuery } from './keyed-query.js'
import type { RequestFacts } from './request-facts.js'
import { selectFromRequest } from './request-selector.js'
import type { RoutePolicy } from './route-policy.js'
import { fillRouteTemplate } from './route-template.js'

/** Where a request's answer lies. */
export interface RouteKey extends SlotKey {
  /** The key without the host, the same on every server: what entity tags are bound to. */
  readonly seed: string
}

/** Divides what stands in the last segment of a key; an encoded value never holds it. */
const DIVIDER = '+'

/**
 * Gives the key of the answer to a request under a policy: the resource first, then, as one more segment, all that tells its answers apart.
 *
 * So whatever deletes the resource as a prefix, or by a pattern such as `feed:*`, deletes every answer under it.
 */
export function routeKey(policy: RoutePolicy, facts: RequestFacts): RouteKey {
  const resource = policy.key === undefined ? pathTag(facts.path) : fillRouteTemplate(policy.key, facts)
  const seed = `${resource}:${discriminators(policy, facts).join(DIVIDER)}`
  return {
    seed,
    key: `${seed}${DIVIDER}${encode(facts.origin)}`,
    tags: [...policy.tags.map((tag) => fillRouteTemplate(tag, facts)), pathTag(facts.path)],
    template: policy.key?.source ?? facts.route,
  }
}

/**
 * The tag of every answer under a path, whatever its query, caller or key.
 *
 * Case, escapes and a slash at the end make no difference: a router may be lax about them, and to invalidate one answer too many
 * does no harm.
 */
function pathTag(path: string): string {
  return `http:${encode(plainPath(path))}`
}

/** {@link pathTag} as a template, for a cache that fills templates itself. */
export const PATH_TAG_TEMPLATE = 'http:{path$}'

/** Spells a path in one way: unescaped, in lower case, without a slash at the end. */
export function plainPath(path: string): string {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  try {
    return decodeURIComponent(trimmed).toLowerCase()
  } catch {
    return trimmed.toLowerCase()
  }
}

function discriminators(policy: RoutePolicy, facts: RequestFacts): string[] {
  const scope = scopeOf(policy, facts)
  const vary = policy.vary.map((selector) => encode(selectFromRequest(facts.headers, selector))).join(';')
  if (policy.rules === 'rfc9111') return [encode(facts.path), encode(facts.query), scope, vary]
  return [encode(facts.route) + paramsOf(policy, facts), keyedQuery(facts.query, policy.query), scope, vary]
}

/** A template need not name every parameter; those it leaves out must not make two answers one. */
function paramsOf(policy: RoutePolicy, facts: RequestFacts): string {
  const named = new Set(policy.key?.placeholders.map(({ from, name }) => (from === 'params' ? name : '')))
  return Object.keys(facts.params)
    .filter((name) => !named.has(name))
    .sort()
    .map((name) => `;${encode(name)}=${encode(facts.params[name])}`)
    .join('')
}

function scopeOf(policy: RoutePolicy, { principal }: RequestFacts): string {
  if (policy.scope === 'user') return `u=${encode(principal?.id)}`
  if (policy.scope === 'role') return `r=${encode(principal?.role)}`
  return ''
}

function encode(value: string | readonly string[] | undefined): string {
  return encodeParam(value ?? null, 'A part of the request')
}
