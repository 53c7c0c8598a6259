import type { Limit } from '../policy/limit.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'

/** What was used in the window number `index`, and in the one before it. */
export interface SlidingState {
  readonly index: number
  readonly previous: number
  readonly current: number
}

/**
 * Two counters: the window before counts for as much of it as a window that ends now would still cover, rounded up.
 *
 * Bound: at most N(1 + t/W) in every interval of length t <= W; N when the load is even. Known as the sliding window
 * counter.
 */
export const sliding: Algorithm<SlidingState> = {
  charge(state, limit, cost, now) {
    const window = limit.windowMs * 1000
    const index = Math.floor(now / window)
    const previous = previousAt(state, index, limit)
    const current = currentAt(state, index, limit) + cost
    const used = carried(previous, now - index * window, limit) + current
    return used <= limit.quota ? { index, previous, current } : REFUSED
  },

  repair(state, limit, now) {
    const index = Math.floor(now / (limit.windowMs * 1000))
    if (state === undefined || state.index <= index) return undefined
    return { index, previous: previousAt(state, index, limit), current: currentAt(state, index, limit) }
  },

  evaluate(state, limit, cost, now) {
    const window = limit.windowMs * 1000
    const index = Math.floor(now / window)
    const into = now - index * window
    const previous = previousAt(state, index, limit)
    const current = currentAt(state, index, limit)
    const used = carried(previous, into, limit) + current
    const admits = used + cost <= limit.quota
    const rest = window - into
    return new Evaluated({
      admits,
      available: Math.max(0, limit.quota - used),
      retryAfter: admits ? 0 : waitFor(cost, previous, current, into, limit),
      resetAfter: current > 0 ? rest + window : previous > 0 ? rest : 0,
      resetAfterCharge: rest + window,
    })
  },

  adjust(state, limit, by, at, now) {
    const window = limit.windowMs * 1000
    const index = Math.floor(now / window)
    const behind = index - Math.floor(at / window)
    if (behind > 1) return state
    const most = 2 * limit.quota
    const was = { previous: previousAt(state, index, limit), current: currentAt(state, index, limit) }
    const previous = behind === 1 ? clamp(was.previous + by, most) : was.previous
    const current = behind === 1 ? was.current : clamp(was.current + by, most)
    return previous + current > 0 ? { index, previous, current } : undefined
  },

  digest(state, limit, now) {
    const window = limit.windowMs * 1000
    const index = Math.floor(now / window)
    return carried(previousAt(state, index, limit), now - index * window, limit) + currentAt(state, index, limit)
  },

  restore: (used, limit, now) => sliding.adjust(undefined, limit, used, now, now),

  expiresAt: (state, limit) => (state.index + (state.current > 0 ? 2 : 1)) * limit.windowMs * 1000,
}

/** What counts as used in the window before `index`; what a clock set back left in the future counts there as well. */
function previousAt(state: SlidingState | undefined, index: number, limit: Limit): number {
  if (state === undefined || state.index < index - 1) return 0
  // what a lowered limit finds may be more than twice its quota: it counts as that
  return Math.min(state.index === index - 1 ? state.current : state.previous, 2 * limit.quota)
}

/** What counts as used in the window `index`. */
function currentAt(state: SlidingState | undefined, index: number, limit: Limit): number {
  return state === undefined || state.index < index ? 0 : Math.min(state.current, 2 * limit.quota)
}

/** How much of `previous` still counts, rounded up: never less than was used. */
function carried(previous: number, into: number, limit: Limit): number {
  if (previous === 0) return 0
  const window = (limit.windowMs * 1000) / limit.tick
  return Math.ceil((previous * (window - Math.floor(into / limit.tick))) / window)
}

/** Microseconds until `cost` fits: either `previous` has decayed enough, or `current` has become it and decays in turn. */
function waitFor(cost: number, previous: number, current: number, into: number, limit: Limit): number {
  if (cost > limit.quota) return Number.POSITIVE_INFINITY
  const room = limit.quota - current - cost
  if (room >= 0) return decayed(previous, room, limit) - into
  return limit.windowMs * 1000 - into + decayed(current, limit.quota - cost, limit)
}

/** How far into a window the count of the one before has decayed to `room`. */
function decayed(count: number, room: number, limit: Limit): number {
  const window = (limit.windowMs * 1000) / limit.tick
  return (window - Math.floor((room * window) / count)) * limit.tick
}

function clamp(count: number, most: number): number {
  return Math.max(0, Math.min(count, most))
}
