import type { StoredFields } from './header-fields.js'

/** A response as it lies in the cache: complete, without what belongs to one request or one connection. */
export interface StoredResponse extends StoredHead {
  readonly body: Uint8Array
}

/** All of a stored response but its body. */
export interface StoredHead {
  readonly status: number
  readonly fields: StoredFields
  /** When it arrived here, in milliseconds since the epoch. */
  readonly arrivedAt: number
  /** How old it already was then, in milliseconds. */
  readonly initialAgeMs: number
  /** How long it may be reused without asking again, counted from its birth. */
  readonly lifetimeMs: number
  /** How long after that it may be served while a new one is made. */
  readonly swrMs: number
  /** How long after that it may be served instead of an error. */
  readonly staleIfErrorMs: number
  /** Never served stale, whatever a client or a route would put up with. */
  readonly mustRevalidate: boolean
  /** The response itself allows reuse for requests with credentials (RFC 9111 3.5). */
  readonly sharesWithCredentials: boolean
  /** How many bytes its body has. */
  readonly length: number
  /** Which request fields it was chosen by, beyond those the key always holds. */
  readonly vary: readonly string[]
  /** The normalised values of those fields in the request it answered. */
  readonly variant: string
}

/** The format of a head. Another version's entry is a miss. */
const VERSION = 2

/** Writes the head of a response as bytes. */
export function encodeHead({ body: _, ...head }: StoredResponse): Uint8Array {
  return Buffer.from(JSON.stringify({ v: VERSION, ...head }), 'utf8')
}

/** Reads what {@link encodeHead} wrote; `undefined` for anything else. */
export function decodeHead(bytes: Uint8Array): StoredHead | undefined {
  try {
    const head: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
    return isHead(head) ? head : undefined
  } catch {
    return undefined
  }
}

/** Puts a body to a head. All responses have their parts in the same order, which makes reading them fast. */
export function withBody(head: StoredHead, body: Uint8Array): StoredResponse {
  return {
    status: head.status,
    fields: head.fields,
    arrivedAt: head.arrivedAt,
    initialAgeMs: head.initialAgeMs,
    lifetimeMs: head.lifetimeMs,
    swrMs: head.swrMs,
    staleIfErrorMs: head.staleIfErrorMs,
    mustRevalidate: head.mustRevalidate,
    sharesWithCredentials: head.sharesWithCredentials,
    length: head.length,
    vary: head.vary,
    variant: head.variant,
    body,
  }
}

/** How old a response is now, in milliseconds (RFC 9111 4.2.3). */
export function ageMs(response: StoredHead, now: number): number {
  return response.initialAgeMs + Math.max(0, now - response.arrivedAt)
}

/** How much longer a response is fresh, in milliseconds; negative once it is stale. */
export function freshForMs(response: StoredHead, now: number): number {
  return response.lifetimeMs - ageMs(response, now)
}

/** The head is our own, but it comes from a shared store: one that lacks a part must be a miss, not an exception later. */
function isHead(head: unknown): head is StoredHead {
  if (typeof head !== 'object' || head === null) return false
  const { v, status, fields, arrivedAt, initialAgeMs, lifetimeMs, length, vary, variant } = head as Record<
    string,
    unknown
  >
  return (
    v === VERSION &&
    [status, arrivedAt, initialAgeMs, lifetimeMs, length].every((part) => typeof part === 'number') &&
    typeof fields === 'object' &&
    fields !== null &&
    Array.isArray(vary) &&
    typeof variant === 'string'
  )
}
