import type { Duration } from '@plinth/config/units'
import type { Closable } from '@plinth/core'
import type { Decision } from './decision/decision.js'
import type { PolicyExplanation } from './policy/explain-policy.js'
import type { RateLimitRules } from './policy/rate-limit-rules.js'

/** How much a call costs: the same for every limit, or by unit (`requests` for limits without one; what is not named costs 1). */
export type Cost = number | Readonly<Record<string, number>>

/** Options of a check. */
export interface CheckOptions<Tier extends string = string> {
  /** A whole number of at least 1. Default 1. */
  readonly cost?: Cost
  /** Whose limits apply. Default: what `tierOf` says, else the policy's own. */
  readonly tier?: Tier | undefined
}

/** One of several checks that are decided together. */
export interface CheckRequest<Policy extends string = string, Tier extends string = string> extends CheckOptions<Tier> {
  readonly policy: Policy
  readonly subject: string
}

/**
 * Decides who may go on, and says why.
 *
 * A subject is whose budget is charged, such as `user:42` or `ip:203.0.113.7`: any text but the empty one. Denial is an
 * answer, not an error. Wrong calls (unknown policy or tier, impossible cost) reject with `RateLimitUsageError`; an
 * outage never rejects: it is answered as the policy says, and marked `degraded`.
 */
export interface RateLimiter<Policy extends string = string, Tier extends string = string> extends Closable {
  /** `false` for the null object: everything is admitted. */
  readonly enabled: boolean
  /** The backend's name, such as `redis`. */
  readonly backend: string

  /** Charges one policy for one subject: all its limits, or none. */
  check(policy: Policy, subject: string, options?: CheckOptions<Tier>): Promise<Decision>
  /** Charges several policies or subjects together: all, or none. No policy may be asked twice for the same subject. */
  checkAll(requests: readonly CheckRequest<Policy, Tier>[]): Promise<Decision>
  /** What {@link RateLimiter.checkAll} does, at once where nothing has to be waited for: for adapters. Wrong calls throw or reject. */
  decide(requests: readonly CheckRequest<Policy, Tier>[]): Decision | Promise<Decision>
  /** What a check would say now. Charges nothing. */
  peek(policy: Policy, subject: string, options?: CheckOptions<Tier>): Promise<Decision>
  /** Forgets what a subject has used of a policy, in every tier, and its escalating block. */
  reset(policy: Policy, subject: string): Promise<void>
  /** Refuses a subject on every policy for a while; answers how long, in milliseconds. Replaces a block that stands. */
  block(subject: string, duration: Duration): Promise<number>
  /** Lifts what {@link RateLimiter.block} did. */
  unblock(subject: string): Promise<void>

  /** Which limits apply and where they come from: what a person asks when a limit surprises. */
  explain(policy: Policy, options?: { readonly tier?: Tier; readonly subject?: string }): PolicyExplanation
  /** The policies that the route rules name for a method and a route pattern; `undefined` when they say nothing. */
  policiesFor(method: string, route: string): readonly string[] | undefined
  /** Notes that a route is charged to a policy, for {@link RateLimiter.unusedPolicies}. Adapters call it when a route is declared. */
  noteRoute(policy: Policy): void
  /** Policies that no route, no rule and no check has used so far, except those with `routed: false`. */
  unusedPolicies(): readonly string[]
  /** What is limited nowhere although the limiter is on, in whole sentences: worth a line in the log at start. */
  warnings(): readonly string[]
  /** {@link RateLimiter.warnings}, and what is wrong with the backend: asks whether it really refuses, and how it is set up. */
  selfTest(): Promise<readonly string[]>

  /** Loads the rules by `loadRules` now. Rejects when that fails or they are wrong; those before still apply then. */
  refresh(): Promise<void>
  /** Has `tierOf` asked again about a subject: it was moved to another tier. */
  forgetTier(subject: string): void
  /** Takes other rules, at once and as a whole; what was used stays used. @throws ConfigError, and keeps the old rules. */
  reload(rules: RateLimitRules<Policy, Tier>): void
}
