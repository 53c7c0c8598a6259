import type { Decision } from '../decision/decision.js'
import { RateLimitUsageError } from '../rate-limit-usage-error.js'
import type { Cost, RateLimiter } from '../rate-limiter.js'
import { type IdentityOptions, identifyCaller } from './identify-caller.js'
import { rateLimitProblem } from './problem-body.js'
import { type HeaderOptions, rateLimitHeaders } from './rate-limit-headers.js'
import type { RequestFacts } from './request-facts.js'

/** How a service limits HTTP requests. */
export interface HttpLimitOptions extends IdentityOptions {
  /** Which headers to send. */
  readonly headers?: HeaderOptions
}

/** What one request is charged to. */
export interface RequestLimit {
  /** The policies, all or nothing; the route rules of the limiter are asked when absent. */
  readonly policy?: string | readonly string[] | undefined
  /** What it costs. Default 1. */
  readonly cost?: Cost | undefined
  /** Whose budget, in place of the caller's: an account name at a login, a tenant. */
  readonly subject?: string | undefined
  /** Whose limits, in place of the caller's tier. */
  readonly tier?: string | undefined
}

/** What an adapter does: go on with `headers`, or answer with `status`, `headers` and `body`. */
export type HttpDecision =
  | {
      readonly allowed: true
      readonly headers: Readonly<Record<string, string>>
      readonly decision: Decision | undefined
    }
  | {
      readonly allowed: false
      readonly status: 429 | 503
      readonly headers: Readonly<Record<string, string>>
      /** JSON text, of the type `application/problem+json`. */
      readonly body: string
      readonly decision: Decision | undefined
    }

/**
 * Decides one request: facts in, plain answer out.
 *
 * Call `decision.release()` when the response has ended or its connection is gone: it gives back slots of
 * `concurrency` limits. A request to which no policy applies is allowed, without a decision.
 *
 * @throws RateLimitUsageError when the limit names an unknown policy or tier: a mistake in the code. A cost above the
 * limit, which may come from the request, is refused with 429 instead.
 */
export async function limitRequest(
  limiter: RateLimiter,
  facts: RequestFacts,
  limit: RequestLimit = {},
  options: HttpLimitOptions = {},
): Promise<HttpDecision> {
  const policies = policiesOf(limiter, facts, limit)
  if (policies.length === 0) return { allowed: true, headers: {}, decision: undefined }
  const caller = identifyCaller(facts, options)
  const subject = limit.subject ?? caller.subject
  const tier = limit.tier ?? caller.tier
  const request = { subject, cost: limit.cost ?? 1, tier }
  try {
    const decision = await limiter.checkAll(policies.map((policy) => ({ ...request, policy })))
    return answerOf(decision, options)
  } catch (error) {
    if (error instanceof RateLimitUsageError && error.code === 'RATE_LIMIT_COST_ABOVE_LIMIT') return tooCostly(policies)
    throw error
  }
}

function policiesOf(
  limiter: RateLimiter,
  { method, route }: RequestFacts,
  { policy }: RequestLimit,
): readonly string[] {
  if (policy !== undefined) return typeof policy === 'string' ? [policy] : policy
  return limiter.policiesFor(method, route ?? UNMATCHED) ?? []
}

/** What route rules see for requests that no route matched: only `*` and `/*` speak about them. */
const UNMATCHED = '/*'

function answerOf(decision: Decision, options: HttpLimitOptions): HttpDecision {
  const headers = rateLimitHeaders(decision, options.headers)
  if (decision.allowed) return { allowed: true, headers, decision }
  const problem = rateLimitProblem(decision)
  return refusal(problem.status, headers, JSON.stringify(problem), decision)
}

function tooCostly(policies: readonly string[]): HttpDecision {
  const problem = {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too large a request',
    status: 429,
    detail: 'The request costs more than its limit ever admits at once. Waiting will not help; split it.',
    'violated-policies': policies,
  }
  return refusal(429, {}, JSON.stringify(problem), undefined)
}

function refusal(
  status: 429 | 503,
  headers: Readonly<Record<string, string>>,
  body: string,
  decision: Decision | undefined,
): HttpDecision {
  const own = { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' }
  return { allowed: false, status, headers: { ...headers, ...own }, body, decision }
}
