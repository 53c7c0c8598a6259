import type { Limit } from '../policy/limit.js'
import type { BlockOrder } from '../rate-limit-backend.js'
import { type Algorithm, Evaluated, REFUSED } from './algorithm.js'

/** A block on a subject. */
export interface BlockState {
  /** When it was written. */
  readonly at: number
  /** How long it lasts from then, in microseconds. */
  readonly lasts: number
  /** How many blocks in a row this is: 1 for the first. */
  readonly level: number
  /** How long after its end the level is remembered, in microseconds. */
  readonly remembered: number
}

/** The limit of quota nothing that carries a block: one for a whole subject (`*`), one for each policy that escalates. */
export function blockLimit(scope: string): Limit {
  return Object.freeze({
    algorithm: 'block',
    name: scope === '*' ? 'block' : scope,
    key: `${scope}:b`,
    quota: 1,
    windowMs: LONGEST_BLOCK_MS,
    burst: 1,
    shadow: false,
    unit: undefined,
    calendar: undefined,
    tick: 1,
    rate: undefined,
  })
}

/** No block lasts longer: 366 days. */
export const LONGEST_BLOCK_MS: number = 366 * 86_400_000

/** The block on a subject as a whole. */
export const SUBJECT_BLOCK: Limit = blockLimit('*')

/** Refuses everything until it ends. Charging writes nothing: only a backend's `block` does. */
export const block: Algorithm<BlockState> = {
  charge: (state, _limit, _cost, now) => (state === undefined || blockRest(state, now) === 0 ? undefined : REFUSED),

  repair: (state, _limit, now) => (state !== undefined && state.at > now ? { ...state, at: now } : undefined),

  evaluate(state, _limit, _cost, now) {
    if (state === undefined) return NOT_BLOCKED
    const rest = blockRest(state, now)
    return new Evaluated({
      admits: rest === 0,
      available: 0,
      retryAfter: rest,
      resetAfter: rest,
      resetAfterCharge: rest,
    })
  },

  adjust: (state) => state,

  digest: (state, _limit, now) => (blockRest(state, now) > 0 ? Math.ceil((state.at + state.lasts) / 1_000_000) : 0),

  restore: (seconds, _limit, now) => {
    const lasts = seconds * 1_000_000 - now
    return lasts > 0 ? { at: now, lasts, level: 1, remembered: 0 } : undefined
  },

  expiresAt: (state) => state.at + state.lasts + state.remembered,
}

/** What a block says that was never ordered. */
export const NOT_BLOCKED: Evaluated = Object.freeze(
  new Evaluated({
    admits: true,
    available: 0,
    retryAfter: 0,
    resetAfter: 0,
    resetAfterCharge: 0,
  }),
)

/** The block that `order` makes of the one that stands; the same object when it is to be left alone. */
export function nextBlock(state: BlockState | undefined, order: BlockOrder, now: number): BlockState {
  if (state !== undefined && order.unlessBlocked && blockRest(state, now) > 0) return state
  const inARow = state !== undefined && now < Math.min(state.at, now) + state.lasts + state.remembered
  const level = inARow ? Math.min(state.level + 1, MOST_LEVELS) : 1
  const lastsMs = Math.min(order.baseMs * order.factor ** (level - 1), order.maxMs)
  return { at: now, lasts: Math.ceil(lastsMs) * 1000, level, remembered: order.rememberMs * 1000 }
}

const MOST_LEVELS = 64

/** Microseconds until a block ends. */
export function blockRest(state: BlockState, now: number): number {
  return Math.max(0, Math.min(state.at, now) + state.lasts - now)
}
