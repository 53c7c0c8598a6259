import type { Decision } from './decision/decision.js'
import { Undecided } from './decision/undecided.js'
import type { PolicyExplanation } from './policy/explain-policy.js'
import type { RateLimiter } from './rate-limiter.js'

/** The limiter of a service that has none: admits everything, says `enforced: false`, and knows no wrong call. */
export function disabledRateLimiter<
  const Policy extends string = string,
  const Tier extends string = string,
>(): RateLimiter<Policy, Tier> {
  return new DisabledRateLimiter<Policy, Tier>()
}

class DisabledRateLimiter<Policy extends string, Tier extends string> implements RateLimiter<Policy, Tier> {
  readonly enabled: boolean = false
  readonly backend: string = 'none'

  async check(): Promise<Decision> {
    return ADMITTED
  }

  async checkAll(): Promise<Decision> {
    return ADMITTED
  }

  decide(): Decision {
    return ADMITTED
  }

  async peek(): Promise<Decision> {
    return ADMITTED
  }

  async reset(): Promise<void> {}

  async block(): Promise<number> {
    return 0
  }

  async unblock(): Promise<void> {}

  explain(policy: Policy): PolicyExplanation {
    const text = `${policy}: rate limiting is disabled`
    return { policy, tier: undefined, overridden: false, onOutage: 'open', limits: [], text }
  }

  policiesFor(): undefined {
    return undefined
  }

  noteRoute(): void {}

  unusedPolicies(): readonly string[] {
    return []
  }

  warnings(): readonly string[] {
    return []
  }

  async selfTest(): Promise<readonly string[]> {
    return []
  }

  async refresh(): Promise<void> {}

  forgetTier(): void {}

  reload(): void {}

  async close(): Promise<void> {}
}

const ADMITTED: Decision = Object.freeze(new Undecided({ outcome: 'admitted', enforced: false }))
