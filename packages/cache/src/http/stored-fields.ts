import { listedFields, parseCacheControl } from './cache-control.js'
import { fieldLine, fieldMembers, type HeaderFields, type StoredFields } from './header-fields.js'

/** Fields of the connection, not of the response (RFC 9110 7.6.1, RFC 9111 3.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Fields that speak of one request or one caller; a later caller has its own or none. */
const PER_REQUEST: ReadonlySet<string> = new Set([
  'age',
  'cache-status',
  'content-length',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'server-timing',
  'set-cookie',
  'traceparent',
  'tracestate',
  'x-cache',
  'x-correlation-id',
  'x-request-id',
  'x-response-time',
])

/** What describes the body that is stored; a 304 speaks of the body it did not send (RFC 9111 3.2). */
const KEPT_ON_UPDATE: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-md5',
  'content-range',
  'etag',
])

function isStored(name: string): boolean {
  return !HOP_BY_HOP.has(name) && !PER_REQUEST.has(name) && !name.startsWith('x-ratelimit-')
}

/**
 * Gives the fields of a response that go into the cache.
 *
 * Left out: what belongs to the connection (and whatever `Connection` or `no-cache="..."` lists), what belongs to one request,
 * and what stood there before the handler ran and still does: that is set anew for every request, hit or not.
 */
export function fieldsToStore(response: HeaderFields, prior: HeaderFields): StoredFields {
  const listed = new Set(fieldMembers(response.connection).map((name) => name.toLowerCase()))
  const control = parseCacheControl(fieldLine(response, 'cache-control'))
  for (const name of listedFields(control, 'no-cache') ?? []) listed.add(name)
  for (const name of listedFields(control, 'private') ?? []) listed.add(name)
  const kept: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(response)) {
    if (value === undefined || listed.has(name) || !isStored(name)) continue
    if (prior[name] !== undefined && String(prior[name]) === String(value)) continue
    kept[name] = value
  }
  return kept
}

/** Gives stored fields as a 304 renews them: what it carries replaces what is stored, except what describes the body. */
export function renewedFields(stored: StoredFields, notModified: StoredFields): StoredFields {
  const renewed: Record<string, string | readonly string[]> = { ...stored }
  for (const [name, value] of Object.entries(notModified)) if (!KEPT_ON_UPDATE.has(name)) renewed[name] = value
  return renewed
}
