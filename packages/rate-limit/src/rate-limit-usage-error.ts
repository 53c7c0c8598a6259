import { MisconfiguredError } from '@plinth/core'

/** What was wrong with a call. */
export type RateLimitUsageCode =
  | 'RATE_LIMIT_UNKNOWN_POLICY'
  | 'RATE_LIMIT_UNKNOWN_TIER'
  | 'RATE_LIMIT_INVALID_SUBJECT'
  | 'RATE_LIMIT_INVALID_COST'
  | 'RATE_LIMIT_COST_ABOVE_LIMIT'
  | 'RATE_LIMIT_INVALID_DURATION'

/**
 * A call that no limiter can answer: an unknown policy or tier, an empty subject, a cost that is not a whole number of
 * at least 1, or one that no wait would ever admit. It is never answered with "allowed".
 */
export class RateLimitUsageError extends MisconfiguredError {
  override readonly name: string = 'RateLimitUsageError'
  override readonly code: RateLimitUsageCode

  constructor(code: RateLimitUsageCode, message: string) {
    super(message, { code })
    this.code = code
  }
}
