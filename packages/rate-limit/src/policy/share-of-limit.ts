import { exactRate } from '../algorithms/gcra-rate.js'
import type { Limit } from './limit.js'

const shares = new WeakMap<Limit, Limit>()

/** What one of several instances may admit of a limit: an equal part, rounded down, never less than 1. */
export function shareOf(limit: Limit, instances: number): Limit {
  const known = shares.get(limit)
  if (known !== undefined) return known
  const part = (count: number): number => Math.max(1, Math.floor(count / instances))
  const share =
    limit.algorithm === 'gcra' ? gcraShare(limit, part) : { quota: part(limit.quota), burst: part(limit.burst) }
  const result = Object.freeze({ ...limit, ...share })
  shares.set(limit, result)
  return result
}

/** Rounds further down where the exact part cannot be counted exactly. */
function gcraShare(limit: Limit, part: (count: number) => number): Pick<Limit, 'quota' | 'burst' | 'rate'> {
  for (let quota = part(limit.quota); ; quota = Math.max(1, Math.floor(quota / 2))) {
    const burst = Math.min(part(limit.burst), quota === part(limit.quota) ? part(limit.burst) : quota)
    const rate = exactRate(quota, limit.windowMs, burst)
    if (rate !== undefined) return { quota, burst, rate }
  }
}
