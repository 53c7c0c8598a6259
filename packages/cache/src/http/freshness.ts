import { type CacheControl, deltaSeconds } from './cache-control.js'
import { fieldLine, type HeaderFields } from './header-fields.js'
import { parseHttpDate } from './http-date.js'

/** Statuses that may be reused without being told for how long (RFC 9110 15.1), complete answers only. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])

const HEURISTIC_FRACTION = 0.1
const HEURISTIC_MAX_MS = 86_400_000

/**
 * A list that one sender wrote counts by its first member (RFC 9111 5.1). `, ` with a blank is how several lines are joined on the way
 * (RFC 9110 5.3): then nobody knows which of the ages is the response's own.
 */
const AGE = /^(\d+)(?:,\d+)*$/

/** Gives the age a response already had when it arrived, in milliseconds (RFC 9111 4.2.3); `Infinity` when its `Age` is malformed. */
export function initialAgeMs(fields: HeaderFields, arrivedAt: number): number {
  const line = fieldLine(fields, 'age')
  const announced = line === undefined ? '0' : AGE.exec(line)?.[1]
  if (announced === undefined) return Number.POSITIVE_INFINITY
  const date = parseHttpDate(fieldLine(fields, 'date'))
  const apparent = date === undefined ? 0 : Math.max(0, arrivedAt - date)
  // A date has whole seconds: what looks younger than one second may be brand new.
  return Math.max(apparent < 1000 ? 0 : apparent, Number(announced) * 1000)
}

/** Gives how long a response says that a shared cache may reuse it, in milliseconds (RFC 9111 4.2.1); `undefined` when it does not say. */
export function explicitLifetimeMs(control: CacheControl, fields: HeaderFields, arrivedAt: number): number | undefined {
  const seconds = deltaSeconds(control, 's-maxage') ?? deltaSeconds(control, 'max-age')
  if (seconds !== undefined) return seconds * 1000
  if (fields.expires === undefined) return undefined
  const expires = parseHttpDate(fieldLine(fields, 'expires'))
  if (expires === undefined) return 0
  return Math.max(0, expires - (parseHttpDate(fieldLine(fields, 'date')) ?? arrivedAt))
}

/** Guesses how long a response that says nothing may be reused (RFC 9111 4.2.2): a tenth of its age since `Last-Modified`, at most a day. */
export function heuristicLifetimeMs(
  status: number,
  control: CacheControl,
  fields: HeaderFields,
  arrivedAt: number,
): number {
  if (!HEURISTICALLY_CACHEABLE.has(status) && !control.has('public')) return 0
  const modified = parseHttpDate(fieldLine(fields, 'last-modified'))
  if (modified === undefined) return 0
  const sinceThen = (parseHttpDate(fieldLine(fields, 'date')) ?? arrivedAt) - modified
  return Math.min(Math.max(0, sinceThen * HEURISTIC_FRACTION), HEURISTIC_MAX_MS)
}

/** What a client asks of the freshness of its answer, in milliseconds. */
export interface FreshnessWish {
  readonly noCache: boolean
  readonly maxAgeMs: number
  readonly minFreshMs: number
  /** How much staleness the client puts up with; 0 when it did not say. */
  readonly maxStaleMs: number
}

/** A client that asks for nothing in particular. */
export const NO_WISH: FreshnessWish = {
  noCache: false,
  maxAgeMs: Number.POSITIVE_INFINITY,
  minFreshMs: 0,
  maxStaleMs: 0,
}

/** Reads the wishes of a request (RFC 9111 5.2.1, and `Pragma` where there is no `Cache-Control`). */
export function freshnessWish(control: CacheControl): FreshnessWish {
  if (control.size === 0) return NO_WISH
  const seconds = (name: string) => deltaSeconds(control, name)
  const maxStale = control.get('max-stale') === true ? Number.POSITIVE_INFINITY : (seconds('max-stale') ?? 0)
  return {
    noCache: control.has('no-cache'),
    maxAgeMs: (seconds('max-age') ?? Number.POSITIVE_INFINITY) * 1000,
    minFreshMs: (seconds('min-fresh') ?? 0) * 1000,
    maxStaleMs: maxStale * 1000,
  }
}
