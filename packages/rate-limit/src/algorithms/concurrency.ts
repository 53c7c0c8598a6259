import type { Limit } from '../policy/limit.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'

/** Who holds a slot, and until when unless renewed. */
export interface Lease {
  readonly id: string
  readonly until: number
}

/** The slots that are held. */
export type ConcurrencyState = readonly Lease[]

/**
 * Slots held by leases: at most N at any moment, whatever the cost.
 *
 * A lease ends when it is given back, or when its holder has not renewed it in time: a holder that died frees its slot.
 * `retryAfter` is the latest: a slot may be given back sooner.
 */
export const concurrency: Algorithm<ConcurrencyState> = {
  charge(state, limit, _cost, now, lease) {
    const live = liveAt(state, limit, now)
    if (live.length >= limit.quota) return REFUSED
    return lease === undefined ? live : [...live, { id: lease, until: now + limit.windowMs * 1000 }]
  },

  repair(state, limit, now) {
    const latest = now + limit.windowMs * 1000
    return state?.some((held) => held.until > latest) ? liveAt(state, limit, now) : undefined
  },

  evaluate(state, limit, _cost, now) {
    const live = liveAt(state, limit, now)
    const admits = live.length < limit.quota
    const ends = live.map((held) => held.until)
    return new Evaluated({
      admits,
      available: Math.max(0, limit.quota - live.length),
      retryAfter: admits ? 0 : (ends.toSorted((a, b) => a - b)[live.length - limit.quota] ?? now) - now,
      resetAfter: live.length === 0 ? 0 : Math.max(...ends) - now,
      resetAfterCharge: limit.windowMs * 1000,
    })
  },

  /** Gives the lease back (`by` < 0), or renews it if it is still held (`by` > 0). */
  adjust(state, limit, by, _at, now, lease) {
    const live = liveAt(state, limit, now)
    const until = now + limit.windowMs * 1000
    const next =
      by < 0
        ? live.filter((held) => held.id !== lease)
        : live.map((held) => (held.id === lease ? { id: held.id, until } : held))
    return next.length > 0 ? next : undefined
  },

  digest: (state, limit, now) => liveAt(state, limit, now).length,

  restore: (held, limit, now) =>
    Array.from({ length: held }, (_, i) => ({ id: `forgotten ${i}`, until: now + limit.windowMs * 1000 })),

  expiresAt: (state) => Math.max(...state.map((held) => held.until)),
}

function liveAt(state: ConcurrencyState | undefined, limit: Limit, now: number): ConcurrencyState {
  const latest = now + limit.windowMs * 1000
  return (state ?? [])
    .filter((held) => held.until > now)
    .map((held) => (held.until > latest ? { id: held.id, until: latest } : held))
}
