/** Why a request went past the cache to the handler (RFC 9211 2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** What the cache did with one request, as RFC 9211 names it. */
export type CacheStatus =
  | { readonly hit: true; readonly ttl: number; readonly detail?: string }
  | {
      readonly hit: false
      readonly fwd: ForwardReason
      /** What the handler answered, where the client got another status. */
      readonly fwdStatus?: number
      /** Seconds of freshness left; negative when stale. */
      readonly ttl?: number
      readonly stored?: boolean
      /** Answered from what another request was computing at the time. */
      readonly collapsed?: boolean
      /** Why nothing was stored, or which fault was covered up, as one word. */
      readonly detail?: string
    }

/** Writes one member of a `Cache-Status` field: `plinth; hit; ttl=53`. */
export function formatCacheStatus(cache: string, status: CacheStatus): string {
  let text = cache
  if (status.hit) {
    text += `; hit; ttl=${status.ttl}`
  } else {
    text += `; fwd=${status.fwd}`
    if (status.fwdStatus !== undefined) text += `; fwd-status=${status.fwdStatus}`
    if (status.ttl !== undefined) text += `; ttl=${status.ttl}`
    if (status.stored === true) text += '; stored'
    if (status.collapsed === true) text += '; collapsed'
  }
  return status.detail === undefined ? text : `${text}; detail=${status.detail}`
}
