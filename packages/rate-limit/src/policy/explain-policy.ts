import { describeWindow } from './compile-limit.js'
import type { Limit } from './limit.js'
import type { PolicyPlan } from './policy-plan.js'
import type { OutageMode } from './rate-limit-rules.js'

/** What applies to a caller of a policy, in plain values and in words. */
export interface PolicyExplanation {
  readonly policy: string
  /** The tier whose limits these are; `undefined` for the policy's own. */
  readonly tier: string | undefined
  /** Whether the subject has limits of its own. */
  readonly overridden: boolean
  readonly onOutage: OutageMode
  readonly limits: readonly LimitExplanation[]
  /** All of it as lines for a person. */
  readonly text: string
}

/** One limit in words. */
export interface LimitExplanation {
  readonly name: string
  /** As `parseLimit` reads it, such as `100/1m sliding`. */
  readonly limit: string
  /** The most that can ever be admitted, such as `at most 5 in any 15m`. */
  readonly bound: string
  /** Where its state is kept, beside the subject. */
  readonly key: string
}

/** Puts a plan into words. */
export function explainPlan(plan: PolicyPlan, overridden: boolean): PolicyExplanation {
  const limits = plan.limits.map((limit) => ({
    name: limit.name,
    limit: describeLimit(limit),
    bound: describeBound(limit),
    key: limit.key,
  }))
  const whose = overridden ? 'an override of the subject' : plan.tier === undefined ? 'the policy' : `tier ${plan.tier}`
  const lines = limits.map(({ name, limit, bound }) => `  ${name}: ${limit} (${bound})`)
  const head = `${plan.policy}, as ${whose} says; when the backend is away: ${plan.onOutage}`
  const text = [head, ...(lines.length > 0 ? lines : ['  unlimited'])].join('\n')
  const { policy, tier, onOutage } = plan
  return { policy, tier, overridden, onOutage, limits, text }
}

/** The text that `parseLimit` reads as this limit. */
function describeLimit(limit: Limit): string {
  const words = limit.algorithm === 'concurrency' ? [`concurrency ${limit.quota}`] : [quotaOf(limit), limit.algorithm]
  if (limit.algorithm === 'gcra' && limit.burst !== limit.quota) words.push(`burst ${limit.burst}`)
  if (limit.calendar !== undefined) words.push(limit.calendar.timeZone)
  if (limit.shadow) words.push('shadow')
  return words.join(' ')
}

function quotaOf(limit: Limit): string {
  return `${limit.unit === undefined ? '' : `${limit.unit}: `}${limit.quota}/${describeWindow(limit)}`
}

function describeBound(limit: Limit): string {
  const [n, window] = [limit.quota, describeWindow(limit)]
  switch (limit.algorithm) {
    case 'fixed':
      return `at most ${n} in each ${window}, ${2 * n} across a boundary`
    case 'sliding':
      return `at most ${n} * (1 + t/${window}) in any t up to ${window}`
    case 'gcra':
      return `at most ${limit.burst} + ${n} * t/${window} in any t`
    case 'strict':
      return `at most ${n} in any ${window}`
    case 'concurrency':
      return `at most ${n} in flight`
    case 'block':
      return 'nothing while blocked'
  }
}
