import type { RateLimiter } from '../rate-limiter.js'
import type { RequestFacts } from './request-facts.js'
import { type HttpDecision, type HttpLimitOptions, type RequestLimit, RequestLimiter } from './request-limiter.js'

/**
 * Decides one request, as {@link RequestLimiter} does; who decides many of them makes one of those.
 *
 * Call `decision.release()` when the response has ended or its connection is gone: it gives back slots of
 * `concurrency` limits.
 *
 * @throws RateLimitUsageError when the limit names an unknown policy or tier.
 */
export async function limitRequest(
  limiter: RateLimiter,
  facts: RequestFacts,
  limit: RequestLimit = {},
  options: HttpLimitOptions = {},
): Promise<HttpDecision> {
  return new RequestLimiter(limiter, options).limit(facts, limit)
}
