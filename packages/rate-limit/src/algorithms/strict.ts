import type { Limit } from '../policy/limit.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'

/** Admissions, oldest first, in pairs of the latest time and how much: `[t1, n1, t2, n2, ...]`. */
export type StrictState = readonly number[]

/** The length of a bucket in microseconds: admissions within one are kept as one, dated by the latest of them. */
export function bucketOf(limit: Limit): number {
  return Math.ceil((limit.windowMs * 1000) / BUCKETS)
}

const BUCKETS = 20

/**
 * A log of admissions, those close together kept as one and dated late.
 *
 * Bound: at most N in every interval of length W, wherever it begins. The price: what was used returns up to W/20 late
 * (exactly on time while N admissions are further apart than that). State: at most min(N, 22) pairs.
 */
export const strict: Algorithm<StrictState> = {
  charge(state, limit, cost, now) {
    const live = liveAt(state, limit, now)
    return total(live) + cost <= limit.quota ? record(live, cost, limit, now) : REFUSED
  },

  repair: (state, limit, now) => ((state?.at(-2) ?? 0) > now ? liveAt(state, limit, now) : undefined),

  evaluate(state, limit, cost, now) {
    const live = liveAt(state, limit, now)
    const used = total(live)
    const admits = used + cost <= limit.quota
    const window = limit.windowMs * 1000
    const latest = live.at(-2)
    return new Evaluated({
      admits,
      available: Math.max(0, limit.quota - used),
      retryAfter: admits ? 0 : waitFor(used + cost - limit.quota, live, limit, now),
      resetAfter: latest === undefined ? 0 : latest + window - now,
      resetAfterCharge: window,
    })
  },

  adjust(state, limit, by, at, now) {
    const live = liveAt(state, limit, now)
    const next = by > 0 ? force(live, by, limit, at, now) : giveBack(live, -by, limit, at)
    return next.length > 0 ? next : undefined
  },

  digest: (state, limit, now) => total(liveAt(state, limit, now)),

  restore: (used, limit, now) => strict.adjust(undefined, limit, used, now, now),

  expiresAt: (state, limit) => (state.at(-2) ?? 0) + limit.windowMs * 1000,
}

/** What still counts at `now`; what a clock set back left in the future counts from now. */
function liveAt(state: StrictState | undefined, limit: Limit, now: number): StrictState {
  if (state === undefined) return []
  const since = now - limit.windowMs * 1000
  const live: number[] = []
  for (let i = 0; i < state.length; i += 2) {
    const time = Math.min(state[i] ?? 0, now)
    if (time > since) live.push(time, state[i + 1] ?? 0)
  }
  return live
}

function total(live: StrictState): number {
  let sum = 0
  for (let i = 1; i < live.length; i += 2) sum += live[i] ?? 0
  return sum
}

/** Adds `cost` at `now`: to the latest pair when both fall into one bucket, which then is dated `now`. */
function record(live: StrictState, cost: number, limit: Limit, now: number): StrictState {
  const bucket = bucketOf(limit)
  const latest = live.at(-2)
  if (latest !== undefined && Math.floor(latest / bucket) === Math.floor(now / bucket)) {
    return [...live.slice(0, -2), now, (live.at(-1) ?? 0) + cost]
  }
  return [...live, now, cost]
}

function waitFor(excess: number, live: StrictState, limit: Limit, now: number): number {
  let freed = 0
  for (let i = 0; i < live.length; i += 2) {
    freed += live[i + 1] ?? 0
    if (freed >= excess) return (live[i] ?? 0) + limit.windowMs * 1000 - now
  }
  return Number.POSITIVE_INFINITY
}

function force(live: StrictState, by: number, limit: Limit, at: number, now: number): StrictState {
  const most = Math.min(by, 2 * limit.quota - total(live))
  if (most <= 0) return live
  if (at >= now || live.length === 0) return record(live, most, limit, now)
  const index = pairOf(live, at)
  return live.map((value, i) => (i === index + 1 ? value + most : value))
}

/** Takes from the pair that holds what was admitted at `at`, if it still counts: dated then or later, in the same bucket. */
function giveBack(live: StrictState, by: number, limit: Limit, at: number): StrictState {
  const bucket = bucketOf(limit)
  const index = pairOf(live, at)
  const time = live[index] ?? 0
  if (time < at || Math.floor(time / bucket) !== Math.floor(at / bucket)) return live
  const held = live[index + 1] ?? 0
  return held > by
    ? live.map((value, i) => (i === index + 1 ? value - by : value))
    : live.filter((_, i) => i !== index && i !== index + 1)
}

/** Where the pair stands that holds what was admitted at `at`: the first dated then or later, else the last. */
function pairOf(live: StrictState, at: number): number {
  for (let i = 0; i < live.length; i += 2) if ((live[i] ?? 0) >= at) return i
  return live.length - 2
}
