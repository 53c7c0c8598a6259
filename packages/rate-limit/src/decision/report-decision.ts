import type { Charge, Verdict } from '../rate-limit-backend.js'
import type { PlannedCall, PlannedCheck } from './check-plan.js'
import type { Decision } from './decision.js'
import { deniedEvents, type LimitEvent, nearLimitEvents, shadowDeniedEvents } from './limiter-events.js'

/** Publishes what a decision means to whoever listens. Costs a look or two at a boolean when nobody does. */
export function reportVerdict(backend: string, call: PlannedCall, verdict: Verdict): void {
  if (verdict.admitted && nearLimitEvents.hasSubscribers) reportNearLimits(backend, call, verdict)
  if (!shadowDeniedEvents.hasSubscribers || !call.checks.some(watches)) return
  for (const [i, charge] of call.charges.entries()) {
    const outcome = verdict.outcomes[i]
    if (!charge.limit.shadow || outcome === undefined || outcome.admits) continue
    shadowDeniedEvents.publish(() => eventOf(backend, call, charge, outcome.remaining))
  }
}

/** Publishes a refusal. */
export function reportDenial(
  backend: string,
  check: PlannedCheck | undefined,
  decision: Decision,
  remembered = false,
): void {
  if (!deniedEvents.hasSubscribers) return
  const { outcome, violated, retryAfterMs, degraded } = decision
  if (outcome === 'admitted') return
  const { policy = '', tier } = check?.plan ?? {}
  deniedEvents.publish(() => ({ backend, policy, tier, outcome, violated, retryAfterMs, degraded, remembered }))
}

/** A limit is near when no more than this part of its quota is left: a fifth. */
const NEAR = 5

function reportNearLimits(backend: string, call: PlannedCall, verdict: Verdict): void {
  for (const [i, charge] of call.charges.entries()) {
    const { limit, cost, lease } = charge
    const outcome = verdict.outcomes[i]
    if (outcome === undefined || !outcome.admits || limit.algorithm === 'block') continue
    const threshold = limit.quota / NEAR
    const before = outcome.remaining + (lease === undefined ? cost : 1)
    if (outcome.remaining > threshold || before <= threshold) continue
    nearLimitEvents.publish(() => eventOf(backend, call, charge, outcome.remaining))
  }
}

function eventOf(backend: string, { checks }: PlannedCall, { limit }: Charge, remaining: number): LimitEvent {
  const policy = limit.key.slice(0, limit.key.indexOf(':'))
  const tier = checks.find((check) => check.plan.policy === policy)?.plan.tier
  return { backend, policy, tier, limit: limit.name, quota: limit.quota, remaining }
}

function watches({ plan }: PlannedCheck): boolean {
  return plan.watches
}
