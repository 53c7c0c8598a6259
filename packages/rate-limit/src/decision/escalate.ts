import type { Limit } from '../policy/limit.js'
import type { BlockOrder, Charge, Outcome, Verdict } from '../rate-limit-backend.js'
import { indexesOf, type PlannedCall } from './check-plan.js'

/** Blocks a subject on a backend. */
export type Block = (subject: string, limit: Limit, order: BlockOrder) => number | Promise<number>

/**
 * Blocks the subjects that escalating policies have just refused, and answers the verdict that says so; `undefined` when
 * nobody is to be blocked, or those who are already were.
 */
export function escalate(call: PlannedCall, verdict: Verdict, block: Block): Promise<Verdict> | undefined {
  if (!call.checks.some((check) => check.plan.escalation !== undefined)) return undefined
  const due = call.checks.flatMap((check) => {
    const { escalation } = check.plan
    if (escalation === undefined) return []
    const indexes = indexesOf(call, check)
    if (!indexes.some((i) => refuses(call.charges[i], verdict.outcomes[i]))) return []
    const at = indexes.find((i) => call.charges[i]?.limit === escalation.block) ?? -1
    return verdict.outcomes[at]?.admits === true ? [{ at, subject: check.subject, ...escalation }] : []
  })
  if (due.length === 0) return undefined
  return Promise.all(due.map(async (one) => ({ at: one.at, ms: await block(one.subject, one.block, one.order) }))).then(
    (blocked) => withBlocks(verdict, blocked),
  )
}

/** Whether a limit, not a block, refused. */
function refuses(charge: Charge | undefined, outcome: Outcome | undefined): boolean {
  return charge !== undefined && charge.limit.algorithm !== 'block' && !charge.limit.shadow && outcome?.admits === false
}

function withBlocks(verdict: Verdict, blocked: readonly { readonly at: number; readonly ms: number }[]): Verdict {
  const outcomes = verdict.outcomes.map((outcome, i) => {
    const block = blocked.find((one) => one.at === i)
    if (block === undefined) return outcome
    return { ...outcome, admits: false, retryAfterMs: block.ms, resetAfterMs: block.ms }
  })
  return { ...verdict, outcomes }
}
