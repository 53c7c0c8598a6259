import type { Duration } from '@plinth/config/units'
import type { LimitInput } from './parse-limit.js'

/** What a limiter answers when its backend cannot: see {@link PolicyDefinition.onOutage}. */
export type OutageMode = 'local' | 'open' | 'closed'

/** What a service limits, and for whom: plain data, so that it may come from code, a file or a database. */
export interface RateLimitRules<Policy extends string = string, Tier extends string = string> {
  /** The budgets, by name. */
  readonly policies: Readonly<Record<Policy, PolicyDefinition>>
  /** What groups of callers get in place of a policy's own limits. */
  readonly tiers?: Readonly<Record<Tier, TierDefinition | 'unlimited'>>
  /** What single subjects get, by subject as passed to `check`, such as `user:42`. */
  readonly overrides?: Readonly<Record<string, OverrideDefinition>>
  /**
   * Which policy an HTTP route is charged to, by method and route pattern: `'POST /exports'`, `'/posts/:id'`, `'/api/*'`.
   *
   * The most specific wins: with a method before without, the longer pattern before the shorter.
   */
  readonly routes?: Readonly<Record<string, NoInfer<Policy> | readonly NoInfer<Policy>[] | 'none'>>
}

/** One budget: limits that are decided together, all or nothing. */
export interface PolicyDefinition {
  readonly limits: readonly LimitInput[]
  /**
   * What to answer while the backend is away. Default: the limiter's own `onOutage`.
   *
   * - `local`: count in this process, each limit divided by the number of instances
   * - `open`: admit, and say `degraded`
   * - `closed`: refuse (HTTP 503), for what must never be guessed, such as logins
   */
  readonly onOutage?: OutageMode
  /** Blocks the subject on this policy when it is denied, longer each time. Default: no block. */
  readonly escalate?: EscalationDefinition
  /**
   * For budgets that everyone shares, such as a whole organisation's: units are taken from the backend some at a time and
   * spent in this process, so that most checks ask nobody. Default false.
   *
   * Never more than the limit, but units count from when they were taken, at most 50 ms early. Only for `fixed`, `sliding`
   * and `gcra` limits of requests.
   */
  readonly hot?: boolean
  /** Watch only: every limit is charged and reported, none refuses. Default false. */
  readonly shadow?: boolean
  /** Whether tiers change it. Default true; `false` for what is the same for everyone, such as logins. */
  readonly tiered?: boolean
  /** Whether some HTTP route is expected to use it. Default true; `false` silences the warning when none does. */
  readonly routed?: boolean
}

/** How long a denied subject is blocked. */
export interface EscalationDefinition {
  /** The first block. */
  readonly block: Duration
  /** How much longer each block in a row is. Default 2. */
  readonly factor?: number
  /** The longest block. Default `'1d'`. */
  readonly max?: Duration
  /** How long a block is remembered after its end. Default: as long as the longest block. */
  readonly remember?: Duration
}

/** What a group of callers gets. */
export interface TierDefinition {
  /** Begin with the limits of this tier rather than with the policies' own. */
  readonly extends?: string
  /** Multiplies every limit that is inherited, never those stated here. Default 1. */
  readonly scale?: number
  /** Limits in place of the inherited ones, by policy. */
  readonly limits?: Readonly<Record<string, readonly LimitInput[] | 'unlimited'>>
}

/** What a single subject gets: as a tier of its own, on top of the tier it is in. */
export type OverrideDefinition = Pick<TierDefinition, 'scale' | 'limits'> & {
  /** The tier it is in, whatever the caller says. */
  readonly tier?: string
}
