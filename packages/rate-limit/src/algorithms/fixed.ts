import type { TimeWindow } from '../policy/calendar.js'
import type { Limit } from '../policy/limit.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'

/** What was used in the window that began at `start`. */
export interface FixedState {
  readonly start: number
  readonly used: number
}

/**
 * Windows that follow the clock or the calendar: N in each.
 *
 * Bound: N in every aligned window, so at most 2N in any interval that crosses one boundary.
 */
export const fixed: Algorithm<FixedState> = {
  charge(state, limit, cost, now) {
    const { start } = fixedWindowAt(limit, now)
    const used = usedIn(state, start, limit.quota) + cost
    return used <= limit.quota ? { start, used } : REFUSED
  },

  repair(state, limit, now) {
    const { start } = fixedWindowAt(limit, now)
    if (state === undefined || state.start <= start) return undefined
    return { start, used: usedIn(state, start, limit.quota) }
  },

  evaluate(state, limit, cost, now) {
    const { start, end } = fixedWindowAt(limit, now)
    const used = usedIn(state, start, limit.quota)
    const admits = used + cost <= limit.quota
    const rest = end - now
    return new Evaluated({
      admits,
      available: Math.max(0, limit.quota - used),
      retryAfter: admits ? 0 : cost > limit.quota ? Number.POSITIVE_INFINITY : rest,
      resetAfter: used > 0 ? rest : 0,
      resetAfterCharge: rest,
    })
  },

  adjust(state, limit, by, at, now) {
    const { start } = fixedWindowAt(limit, now)
    if (at < start) return state
    const used = Math.min(usedIn(state, start, limit.quota) + by, 2 * limit.quota)
    return used > 0 ? { start, used } : undefined
  },

  digest: (state, limit, now) => usedIn(state, fixedWindowAt(limit, now).start, limit.quota),

  restore: (used, limit, now) => fixed.adjust(undefined, limit, used, now, now),

  expiresAt: (state, limit) => fixedWindowAt(limit, state.start).end,
}

/** The window in which `now` falls: by the limit's calendar, else by whole multiples of its length since the epoch. */
export function fixedWindowAt(limit: Limit, now: number): TimeWindow {
  if (limit.calendar !== undefined) return limit.calendar.windowAt(now)
  const length = limit.windowMs * 1000
  const start = Math.floor(now / length) * length
  return { start, end: start + length }
}

function usedIn(state: FixedState | undefined, start: number, quota: number): number {
  return state === undefined || state.start < start ? 0 : Math.min(state.used, 2 * quota)
}
