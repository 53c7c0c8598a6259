import { fixedWindowAt } from '../../src/algorithms/fixed.js'
import type { Limit } from '../../src/policy/limit.js'

/** Something that was admitted: when, in milliseconds, and how much. */
export interface Admitted {
  readonly at: number
  readonly cost: number
}

/**
 * The first interval in which more was admitted than the limit's bound allows, in words; `undefined` when there is none.
 *
 * The bounds are those of the documentation, written down here a second time: no code of the algorithms is used.
 */
export function brokenBound(limit: Limit, admitted: readonly Admitted[]): string | undefined {
  if (limit.algorithm === 'fixed') return brokenWindow(limit, admitted)
  for (const [i, first] of admitted.entries()) {
    let sum = 0
    for (const last of admitted.slice(i)) {
      sum += last.cost
      const most = mostWithin(limit, last.at - first.at)
      if (sum > most) return `${sum} from ${first.at} to ${last.at} (${last.at - first.at} ms), at most ${most}`
    }
  }
  return undefined
}

/** The most that an interval of `ms` (both ends included) may hold. */
function mostWithin({ algorithm, quota, burst, windowMs }: Limit, ms: number): number {
  if (algorithm === 'gcra') return Math.floor(burst + (quota * ms) / windowMs)
  if (algorithm === 'sliding')
    return ms <= windowMs ? Math.floor(quota * (1 + ms / windowMs)) : Number.POSITIVE_INFINITY
  return ms < windowMs ? quota : Number.POSITIVE_INFINITY
}

function brokenWindow(limit: Limit, admitted: readonly Admitted[]): string | undefined {
  const sums = new Map<number, number>()
  for (const { at, cost } of admitted) {
    const { start } = fixedWindowAt(limit, at * 1000)
    const sum = (sums.get(start) ?? 0) + cost
    sums.set(start, sum)
    if (sum > limit.quota) return `${sum} in the window from ${start / 1000}, at most ${limit.quota}`
  }
  return undefined
}
