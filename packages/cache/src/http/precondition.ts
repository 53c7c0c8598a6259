import { matchesEntityTag, strongMatch } from './entity-tag.js'
import { fieldLine, type HeaderFields } from './header-fields.js'
import { parseHttpDate } from './http-date.js'

/** Request fields that make the answer depend on what the client already holds; taken away while a handler fills the cache. */
export const CONDITIONAL_FIELDS: readonly string[] = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
]

/** Whether a request asks for the whole answer, whatever the client holds: the usual case. */
export function isUnconditional(request: HeaderFields): boolean {
  return (
    request['if-none-match'] === undefined && request['if-modified-since'] === undefined && request.range === undefined
  )
}

/**
 * Whether a client that sent these conditions already has this response, so that 304 says all (RFC 9110 13.2.2).
 *
 * `If-None-Match` decides alone where it is given. A response without `Last-Modified` is as old as its `Date` (RFC 9111 4.3.2).
 */
export function isNotModified(request: HeaderFields, response: HeaderFields): boolean {
  const tags = fieldLine(request, 'if-none-match')
  if (tags !== undefined) return matchesEntityTag(tags, fieldLine(response, 'etag'))
  const since = parseHttpDate(fieldLine(request, 'if-modified-since'))
  if (since === undefined) return false
  const modified = parseHttpDate(fieldLine(response, 'last-modified') ?? fieldLine(response, 'date'))
  return modified !== undefined && modified <= since
}

/** Whether a client's `Range` may be answered with a part of this response (`If-Range`, RFC 9110 13.1.5). */
export function rangeApplies(request: HeaderFields, response: HeaderFields): boolean {
  const condition = fieldLine(request, 'if-range')
  if (condition === undefined) return true
  if (condition.startsWith('"') || condition.startsWith('W/'))
    return strongMatch(condition, fieldLine(response, 'etag'))
  return condition === fieldLine(response, 'last-modified')
}

/** Whether a request asks for something only the handler can check: that its own copy is still the current one. */
export function hasStatePrecondition(request: HeaderFields): boolean {
  return request['if-match'] !== undefined || request['if-unmodified-since'] !== undefined
}
