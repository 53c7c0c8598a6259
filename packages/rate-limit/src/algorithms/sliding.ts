import type { Limit } from '../limit.js'
import type { Algorithm } from './algorithm.js'

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
  evaluate(state, limit, cost, now) {
    const { index, previous, current, into } = view(state, limit, now)
    const window = limit.windowMs * 1000
    const used = carried(previous, into, limit) + current
    const admits = used + cost <= limit.quota
    const rest = window - into
    return {
      admits,
      available: Math.max(0, limit.quota - used),
      retryAfter: admits ? 0 : waitFor(cost, previous, current, into, limit),
      resetAfter: current > 0 ? rest + window : previous > 0 ? rest : 0,
      resetAfterCharge: rest + window,
      charged: { index, previous, current: current + cost },
      repaired: state !== undefined && state.index > index ? { index, previous, current } : undefined,
    }
  },

  adjust(state, limit, by, at, now) {
    const view_ = view(state, limit, now)
    const behind = view_.index - Math.floor(at / (limit.windowMs * 1000))
    if (behind > 1) return state
    const most = 2 * limit.quota
    const previous = behind === 1 ? clamp(view_.previous + by, most) : view_.previous
    const current = behind === 1 ? view_.current : clamp(view_.current + by, most)
    return previous + current > 0 ? { index: view_.index, previous, current } : undefined
  },

  digest(state, limit, now) {
    const { previous, current, into } = view(state, limit, now)
    return carried(previous, into, limit) + current
  },

  restore: (used, limit, now) => sliding.adjust(undefined, limit, used, now, now),

  expiresAt: (state, limit) => (state.index + (state.current > 0 ? 2 : 1)) * limit.windowMs * 1000,
}

/** The state as the window of `now` sees it, and how far into that window `now` is. */
function view(state: SlidingState | undefined, limit: Limit, now: number): SlidingState & { readonly into: number } {
  const window = limit.windowMs * 1000
  const index = Math.floor(now / window)
  const into = now - index * window
  if (state === undefined || state.index < index - 1) return { index, previous: 0, current: 0, into }
  const most = 2 * limit.quota // what a lowered limit finds may be more: it counts as full twice over
  const current = Math.min(state.current, most)
  if (state.index === index - 1) return { index, previous: current, current: 0, into }
  return { index, previous: Math.min(state.previous, most), current, into }
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
  const window = (limit.windowMs * 1000) / limit.tick
  const decayed = (count: number, to: number): number => (window - Math.floor((to * window) / count)) * limit.tick
  const room = limit.quota - current - cost
  if (room >= 0) return decayed(previous, room) - into
  return limit.windowMs * 1000 - into + decayed(current, limit.quota - cost)
}

function clamp(count: number, most: number): number {
  return Math.max(0, Math.min(count, most))
}
