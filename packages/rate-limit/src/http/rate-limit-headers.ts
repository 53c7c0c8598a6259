import type { Decision, LimitStatus } from '../decision/decision.js'

/** The response headers that tell a client about its limits, for CORS `Access-Control-Expose-Headers`. */
export const RATE_LIMIT_HEADERS: readonly string[] = [
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
]

/** Which headers to send. */
export interface HeaderOptions {
  /** `RateLimit` and `RateLimit-Policy`. Default true. */
  readonly standard?: boolean
  /** `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds until the reset). Default false. */
  readonly legacy?: boolean
}

/**
 * The headers for a decision, names as written in the specifications.
 *
 * `RateLimit-Policy` lists every limit, `RateLimit` the one that is nearest to its end, as
 * draft-ietf-httpapi-ratelimit-headers-11 describes them. `Retry-After` is rounded up, and never earlier than the `t`
 * beside it. Nothing is told when nothing was decided, nor about limits that only watch.
 */
export function rateLimitHeaders(decision: Decision, options: HeaderOptions = {}): Record<string, string> {
  return new HeaderWriter(options).write(decision)
}

/** Writes what {@link rateLimitHeaders} answers, for one decision after the other: what a limit says of itself is worded once. */
export class HeaderWriter {
  readonly #standard: boolean
  readonly #legacy: boolean
  readonly #policies = new Map<string, PolicyItem>()

  constructor({ standard = true, legacy = false }: HeaderOptions) {
    this.#standard = standard
    this.#legacy = legacy
  }

  write(decision: Decision): Record<string, string> {
    const headers: Record<string, string> = {}
    const { allowed } = decision
    if (!(allowed && !this.#standard && !this.#legacy)) this.#tellLimits(decision, headers)
    const wait = allowed ? undefined : retryAfterSeconds(decision)
    if (wait !== undefined) headers['Retry-After'] = String(wait)
    return headers
  }

  #tellLimits(decision: Decision, headers: Record<string, string>): void {
    let policies = ''
    let shown: LimitStatus | undefined
    for (const limit of decision.limits) {
      if (limit.shadow) continue
      const item = this.#policyItem(limit)
      policies = policies === '' ? item : `${policies}, ${item}`
      if (isNearer(limit, shown, decision.allowed)) shown = limit
    }
    if (shown === undefined) return
    if (this.#standard) {
      headers['RateLimit-Policy'] = policies
      headers.RateLimit = describeService(shown, decision)
    }
    if (this.#legacy) {
      headers['X-RateLimit-Limit'] = String(shown.limit)
      headers['X-RateLimit-Remaining'] = String(shown.remaining)
      headers['X-RateLimit-Reset'] = String(seconds(shown.resetAfterMs))
    }
  }

  #policyItem(status: LimitStatus): string {
    const known = this.#policies.get(status.name)
    if (known !== undefined && isSameLimit(known.status, status)) return known.text
    const text = describePolicy(status)
    // the limits of a service are few, and those of tiers that share a name take turns
    this.#policies.set(status.name, { status, text })
    return text
  }
}

/** One item of `RateLimit-Policy`, and what it was worded for. */
interface PolicyItem {
  readonly status: LimitStatus
  readonly text: string
}

function isSameLimit(one: LimitStatus, other: LimitStatus): boolean {
  const same = one.limit === other.limit && one.windowMs === other.windowMs
  return same && one.algorithm === other.algorithm && one.unit === other.unit
}

/**
 * Seconds for `Retry-After`, at least 1; `undefined` when allowed, or when no wait would help.
 *
 * A slot in flight usually frees itself long before its lease ends, so it is worth asking again after a second.
 */
export function retryAfterSeconds(decision: Decision): number | undefined {
  if (decision.allowed || decision.retryAfterMs === Number.POSITIVE_INFINITY) return undefined
  const refused = decision.limits.filter((limit) => limit.violated && !limit.shadow)
  const onlySlots = decision.outcome === 'limited' && refused.every((limit) => limit.algorithm === 'concurrency')
  return onlySlots ? 1 : Math.max(1, seconds(decision.retryAfterMs))
}

/** Whether a limit is to be told in place of another: it has less left, or among those that refuse, a longer wait. */
function isNearer(limit: LimitStatus, other: LimitStatus | undefined, allowed: boolean): boolean {
  if (!(allowed || limit.violated)) return false
  if (other === undefined) return true
  return allowed ? limit.remaining < other.remaining : limit.retryAfterMs > other.retryAfterMs
}

/** One item of `RateLimit-Policy`. A window below a second, and a lease, have no `w`. */
function describePolicy({ name, limit, windowMs, algorithm, unit }: LimitStatus): string {
  const isSlots = algorithm === 'concurrency'
  const window = isSlots || windowMs < 1000 ? '' : `;w=${seconds(windowMs)}`
  return `"${name}";q=${whole(limit)}${isSlots ? ';qu="concurrent-requests"' : unit === undefined ? '' : `;qu="${unit}"`}${window}`
}

/**
 * One item of `RateLimit`.
 *
 * `t` for an admitted request is the time until all is available again, but no less than the remaining units would take
 * at the limit's pace: a client that spreads `r` over `t` then never goes faster than the limit.
 */
function describeService(status: LimitStatus, decision: Decision): string {
  const { name, remaining, algorithm, windowMs, limit, resetAfterMs, retryAfterMs } = status
  const left = `"${name}";r=${whole(remaining)}`
  if (algorithm === 'concurrency') return left
  const pace = (remaining * windowMs) / limit
  const wait = decision.allowed ? Math.max(resetAfterMs, pace) : retryAfterMs
  return Number.isFinite(wait) ? `${left};t=${seconds(wait)}` : left
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}

/** As a structured-field integer: at most 15 digits. */
function whole(count: number): number {
  return Math.max(0, Math.min(Math.floor(count), 999_999_999_999_999))
}
