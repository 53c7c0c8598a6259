import { type CacheStatus, formatCacheStatus } from './cache-status.js'
import { type ClientCacheFacts, clientCacheControl } from './client-cache.js'
import { fieldLine, fieldMembers, type PriorFields } from './header-fields.js'
import { applyConditions, type OutgoingResponse } from './outgoing-response.js'
import type { RequestFacts } from './request-facts.js'
import type { RoutePolicy } from './route-policy.js'
import { ageMs, freshForMs, type StoredResponse } from './stored-response.js'

/** What the whole of an application decides about the answers of its cache. */
export interface AnswerSettings {
  /** How this cache calls itself in `Cache-Status`. */
  readonly name: string
  /** `CLIENT_CACHE_MAX_AGE`; `undefined` while client caching is switched off. */
  readonly clientMaxAgeMs: number | undefined
}

/** One request under one policy, at one moment. */
export interface AnswerContext {
  readonly policy: RoutePolicy
  readonly facts: RequestFacts
  /** The fields that middleware has set before the handler; they stay. */
  readonly prior: PriorFields
  readonly now: number
}

/** Gives the answer to a request from a stored response: whole, a part of it, or 304. */
export function answerFromStored(
  stored: StoredResponse,
  status: CacheStatus,
  context: AnswerContext,
  settings: AnswerSettings,
): OutgoingResponse {
  return applyConditions(context.facts, wholeAnswer(stored, status, context, settings))
}

/** Gives the whole of a stored response as an answer, whatever the client holds already. */
export function wholeAnswer(
  stored: StoredResponse,
  status: CacheStatus,
  { policy, prior, now }: Omit<AnswerContext, 'facts'>,
  settings: AnswerSettings,
): OutgoingResponse {
  const fields: Record<string, string | readonly string[] | undefined> = { ...stored.fields }
  const age = ageMs(stored, now)
  fields.age = String(Math.floor(age / 1000))
  fields['cache-status'] = appendStatus(undefined, settings.name, status)
  if (stored.status !== 204) fields['content-length'] = String(stored.length)
  setSharedFields(fields, policy, prior, settings, {
    status: stored.status,
    ageMs: age,
    freshForMs: freshForMs(stored, now),
    ownsCookie: false,
  })
  return { status: stored.status, fields, body: stored.body }
}

/** Adds what every answer of a cached route says, new or stored: `Vary`, and `Cache-Control` where the handler set none. */
export function setSharedFields(
  fields: Record<string, string | readonly string[] | undefined>,
  policy: RoutePolicy,
  prior: PriorFields,
  settings: AnswerSettings,
  facts: Omit<ClientCacheFacts, 'shared' | 'defaultMaxAgeMs'>,
): void {
  const vary = mergedVary(policy, fields, prior)
  if (vary !== undefined) fields.vary = vary
  if (fields['cache-control'] !== undefined || prior['cache-control'] !== undefined) return
  if (policy.client === undefined || settings.clientMaxAgeMs === undefined) return
  const shared = policy.scope === 'public'
  fields['cache-control'] = clientCacheControl(policy.client, {
    ...facts,
    shared,
    defaultMaxAgeMs: settings.clientMaxAgeMs,
  })
}

/** Writes this cache's member after those of the caches behind it (RFC 9211 2). */
export function appendStatus(earlier: string | undefined, name: string, status: CacheStatus): string {
  const own = formatCacheStatus(name, status)
  return earlier === undefined ? own : `${earlier}, ${own}`
}

/** What downstream caches have to tell answers apart by: what middleware, the handler and the policy name together. */
function mergedVary(
  policy: RoutePolicy,
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
  prior: PriorFields,
): string | undefined {
  const keyed = policy.vary.map((selector) => (selector.startsWith('cookie:') ? 'cookie' : selector))
  const names = new Map<string, string>()
  for (const name of [...fieldMembers(prior.vary), ...fieldMembers(fieldLine(fields, 'vary')), ...keyed]) {
    if (!names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  }
  return names.size === 0 ? undefined : [...names.values()].join(', ')
}
