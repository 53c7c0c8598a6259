import type { Limit } from '../policy/limit.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'
import type { GcraRate } from './gcra-rate.js'

/** How far the theoretical arrival time runs ahead of `at`: `ahead` + `part`/`parts` microseconds. */
export interface GcraState {
  /** When this was written: tells a clock that was set back from a debt. */
  readonly at: number
  readonly ahead: number
  readonly part: number
  readonly parts: number
}

/** A time as a whole number of microseconds and a fraction in units of 1/`parts`. */
interface Exact {
  readonly whole: number
  readonly part: number
}

/**
 * The generic cell rate algorithm, in exact rational arithmetic: N per W evenly, and a burst at once.
 *
 * Bound: at most burst + N·t/W in every interval of length t. Equivalent to a token bucket; see ITU-T I.371.
 */
export const gcra: Algorithm<GcraState> = {
  charge(state, limit, cost, now) {
    const rate = rateOf(limit)
    const next = plus(leadAt(state, rate, now), cost, rate)
    return excess(next, rate) > 0 ? REFUSED : { at: now, ahead: next.whole, part: next.part, parts: rate.parts }
  },

  repair(state, limit, now) {
    if (state === undefined || state.at <= now) return undefined
    const rate = rateOf(limit)
    const lead = leadAt(state, rate, now)
    return { at: now, ahead: lead.whole, part: lead.part, parts: rate.parts }
  },

  evaluate(state, limit, cost, now) {
    const rate = rateOf(limit)
    const lead = leadAt(state, rate, now)
    const next = plus(lead, cost, rate)
    const over = excess(next, rate)
    const admits = over <= 0
    return new Evaluated({
      admits,
      available: unitsIn(rate.burstWhole - lead.whole, rate.burstPart - lead.part, rate),
      retryAfter: admits ? 0 : cost > limit.burst ? Number.POSITIVE_INFINITY : over,
      resetAfter: roundUp(lead),
      resetAfterCharge: roundUp(next),
    })
  },

  /** Gives back (`by` < 0) no more than time has not returned since `at`, see {@link gcraChargedAt}. */
  adjust(state, limit, by, at, now) {
    const rate = rateOf(limit)
    const lead = leadAt(state, rate, now)
    const returned = by < 0 ? Math.max(0, now - at) : 0
    const { whole, part } = plus(lead, by, rate)
    const next = { whole: whole + returned, part }
    if (returned > 0 && (next.whole > lead.whole || (next.whole === lead.whole && part >= lead.part))) return state
    if (next.whole < 0 || (next.whole === 0 && next.part === 0)) return undefined
    const most = 2 * rate.burstWhole + 1
    return next.whole > most
      ? { at: now, ahead: most, part: 0, parts: rate.parts }
      : { at: now, ahead: next.whole, part: next.part, parts: rate.parts }
  },

  digest(state, limit, now) {
    const rate = rateOf(limit)
    const lead = leadAt(state, rate, now)
    return limit.burst - unitsIn(rate.burstWhole - lead.whole, rate.burstPart - lead.part, rate)
  },

  restore: (used, limit, now) => gcra.adjust(undefined, limit, used, now, now),

  expiresAt: (state) => state.at + state.ahead + 1,
}

/**
 * When the time of a charge begins to return: once that of everything before it has, rounded down.
 *
 * What a refund gives back has to be counted from then, or units that time has returned already would be given twice.
 */
export function gcraChargedAt(limit: Limit, cost: number, resetAfterCharge: number, now: number): number {
  const { whole, part, parts } = rateOf(limit)
  return now + Math.max(0, resetAfterCharge - cost * whole - Math.ceil((cost * part) / parts) - 1)
}

/** How far ahead of `now` the arrival time is, at most twice the burst. A fraction of another rate is rounded up. */
function leadAt(state: GcraState | undefined, rate: GcraRate, now: number): Exact {
  if (state === undefined) return { whole: 0, part: 0 }
  const same = state.parts === rate.parts
  const whole = state.ahead - Math.max(0, now - state.at) + (same || state.part === 0 ? 0 : 1)
  if (whole < 0) return { whole: 0, part: 0 }
  const most = 2 * rate.burstWhole + 1
  return whole > most ? { whole: most, part: 0 } : { whole, part: same ? state.part : 0 }
}

function plus(time: Exact, units: number, rate: GcraRate): Exact {
  const parts = time.part + units * rate.part
  const carry = Math.floor(parts / rate.parts)
  return { whole: time.whole + units * rate.whole + carry, part: parts - carry * rate.parts }
}

/** By how many microseconds, rounded up, an arrival time lies beyond the burst: above 0 it is refused. */
function excess(time: Exact, rate: GcraRate): number {
  return time.whole - rate.burstWhole + (time.part > rate.burstPart ? 1 : 0)
}

function roundUp(time: Exact): number {
  return time.whole + (time.part > 0 ? 1 : 0)
}

/** How many whole units fit in the time: estimated in floating point, then corrected exactly. */
function unitsIn(whole: number, part: number, rate: GcraRate): number {
  const room = part < 0 ? { whole: whole - 1, part: part + rate.parts } : { whole, part }
  if (room.whole < 0) return 0
  let units = Math.floor((room.whole + room.part / rate.parts) / (rate.whole + rate.part / rate.parts))
  while (!fit(units, room, rate)) units -= 1
  while (fit(units + 1, room, rate)) units += 1
  return units
}

function fit(units: number, room: Exact, rate: GcraRate): boolean {
  const needed = plus(NOTHING, units, rate)
  return needed.whole < room.whole || (needed.whole === room.whole && needed.part <= room.part)
}

const NOTHING: Exact = { whole: 0, part: 0 }

function rateOf(limit: Limit): GcraRate {
  if (limit.rate === undefined) throw new TypeError(`limit ${limit.name} was compiled without a rate`)
  return limit.rate
}
