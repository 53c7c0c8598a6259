import type { Decision } from '../decision/decision.js'
import { retryAfterSeconds } from './rate-limit-headers.js'

/** A refusal as RFC 9457 problem details, with the problem types of draft-ietf-httpapi-ratelimit-headers-11. */
export interface RateLimitProblem {
  readonly type: string
  readonly title: string
  readonly status: 429 | 503
  readonly detail: string
  readonly 'violated-policies': readonly string[]
}

const TYPES = 'https://iana.org/assignments/http-problem-types'

/** What to tell a client that was refused. Names limits, never the subject. */
export function rateLimitProblem(decision: Decision): RateLimitProblem {
  const wait = retryAfterSeconds(decision)
  const again = wait === undefined ? 'Waiting will not help.' : `Try again in ${wait} second${wait === 1 ? '' : 's'}.`
  const violated = { 'violated-policies': decision.violated }
  switch (decision.outcome) {
    case 'unavailable':
      return {
        type: `${TYPES}#temporary-reduced-capacity`,
        title: 'Temporarily unavailable',
        status: 503,
        detail: `Requests cannot be counted at the moment, so this one was not served. ${again}`,
        ...violated,
      }
    case 'blocked':
      return {
        type: `${TYPES}#abnormal-usage-detected`,
        title: 'Blocked for a while',
        status: 429,
        detail: `Too many requests were refused, so further ones are blocked. ${again}`,
        ...violated,
      }
    default:
      return {
        type: `${TYPES}#quota-exceeded`,
        title: 'Too many requests',
        status: 429,
        detail: `A rate limit was reached. ${again}`,
        ...violated,
      }
  }
}
