import type { Decision } from '../decision/decision.js'
import { RateLimitUsageError } from '../rate-limit-usage-error.js'
import type { CheckRequest, Cost, RateLimiter } from '../rate-limiter.js'
import { type IdentityOptions, identifyCaller } from './identify-caller.js'
import { rateLimitProblem } from './problem-body.js'
import { type HeaderOptions, HeaderWriter } from './rate-limit-headers.js'
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
      /** Whether `decision.release()` gives anything back: to be called when the response has ended or its connection is gone. */
      readonly holdsSlots: boolean
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
 * Limits HTTP requests by one limiter: facts in, plain answer out.
 *
 * A request to which no policy applies is allowed, without a decision.
 */
export class RequestLimiter {
  readonly #limiter: RateLimiter
  readonly #options: HttpLimitOptions
  readonly #headers: HeaderWriter
  /** Subjects of peers that asked before: to read an address costs more than to count. */
  readonly #subjects = new Map<string, string>()

  constructor(limiter: RateLimiter, options: HttpLimitOptions = {}) {
    this.#limiter = limiter
    this.#options = options
    this.#headers = new HeaderWriter(options.headers ?? {})
  }

  /**
   * Decides one request, at once where nothing has to be waited for.
   *
   * @throws RateLimitUsageError, or rejects with it, when the limit names an unknown policy or tier: a mistake in the code. A
   * cost above the limit, which may come from the request, is refused with 429 instead.
   */
  limit(facts: RequestFacts, limit: RequestLimit = NOTHING_NAMED): HttpDecision | Promise<HttpDecision> {
    const policies = limit.policy ?? this.#limiter.policiesFor(facts.method, facts.route ?? UNMATCHED) ?? NONE
    if (policies.length === 0 && policies !== '') return UNLIMITED
    try {
      const decision = this.#limiter.decide(this.#requests(policies, facts, limit))
      return decision instanceof Promise ? this.#answerLater(decision, policies) : this.#answer(decision)
    } catch (error) {
      return refusalOf(error, policies)
    }
  }

  #requests(policies: string | readonly string[], facts: RequestFacts, limit: RequestLimit): readonly CheckRequest[] {
    const subject = limit.subject ?? this.#subjectOf(facts)
    const { cost = 1, tier = tierOf(facts) } = limit
    if (typeof policies === 'string') return [{ policy: policies, subject, cost, tier }]
    return policies.map((policy) => ({ policy, subject, cost, tier }))
  }

  async #answerLater(decision: Promise<Decision>, policies: string | readonly string[]): Promise<HttpDecision> {
    try {
      return this.#answer(await decision)
    } catch (error) {
      return refusalOf(error, policies)
    }
  }

  #answer(decision: Decision): HttpDecision {
    const headers = this.#headers.write(decision)
    if (decision.allowed) return { allowed: true, headers, decision, holdsSlots: holdsSlots(decision) }
    const problem = rateLimitProblem(decision)
    return refusal(problem.status, headers, JSON.stringify(problem), decision)
  }

  #subjectOf(facts: RequestFacts): string {
    const { peer, forwardedFor } = facts
    const named = facts.principal !== undefined || facts.apiKey !== undefined
    if (named || peer === undefined || (forwardedFor !== undefined && this.#options.trustedHops)) {
      return identifyCaller(facts, this.#options).subject
    }
    const known = this.#subjects.get(peer)
    if (known !== undefined) return known
    const { subject } = identifyCaller(facts, this.#options)
    if (this.#subjects.size >= MOST_PEERS) this.#subjects.clear()
    this.#subjects.set(peer, subject)
    return subject
  }
}

/** How many peers are remembered before the memory is emptied. */
const MOST_PEERS = 10_000

const NOTHING_NAMED: RequestLimit = {}

const NONE: readonly string[] = []

const UNLIMITED: HttpDecision = { allowed: true, headers: {}, decision: undefined, holdsSlots: false }

/** The tier of whoever is signed in, or of the API key; an address has none. */
function tierOf({ principal, apiKey }: RequestFacts): string | undefined {
  return principal === undefined ? apiKey?.tier : principal.tier
}

/** What route rules see for requests that no route matched: only `*` and `/*` speak about them. */
const UNMATCHED = '/*'

function holdsSlots({ limits }: Decision): boolean {
  for (const { algorithm } of limits) if (algorithm === 'concurrency') return true
  return false
}

function refusalOf(error: unknown, policies: string | readonly string[]): HttpDecision {
  if (error instanceof RateLimitUsageError && error.code === 'RATE_LIMIT_COST_ABOVE_LIMIT')
    return tooCostly(typeof policies === 'string' ? [policies] : policies)
  throw error
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
