import type { GcraRate } from '../algorithms/gcra-rate.js'
import type { Calendar } from './calendar.js'

/** How a limit counts. Its exact bound stands with each algorithm in `algorithms/`. */
export type LimitAlgorithm = 'fixed' | 'sliding' | 'gcra' | 'strict' | 'concurrency'

/**
 * One limit, compiled: valid, frozen, and ready to be charged.
 *
 * Its {@link Limit.key} names the policy, the algorithm and the window, never the quota or the tier: a changed quota
 * applies at once and keeps what was used.
 */
export interface Limit {
  /** `block` is no quota: it refuses while a block on the subject lasts. */
  readonly algorithm: LimitAlgorithm | 'block'
  /** What headers, events and `violated` call it, such as `api` or `api-1d`. */
  readonly name: string
  /** Names its state beside the subject, such as `api:s60000`. Letters, digits and `._:-` only. */
  readonly key: string
  /** N: units per window, or how many may be in flight. */
  readonly quota: number
  /** W in milliseconds; for `concurrency` how long a lease lasts unless renewed. */
  readonly windowMs: number
  /** How much may be admitted at once: the quota, unless `gcra` was given a burst. */
  readonly burst: number
  /** Whether it only watches: it is charged and reported, but never refuses. */
  readonly shadow: boolean
  /** What it counts when not requests, such as `tokens`: `cost` may then name it. */
  readonly unit: string | undefined
  /** The calendar that a `fixed` window of a day, a week or a month follows. */
  readonly calendar: Calendar | undefined
  /** For `sliding`: microseconds per unit of time in its arithmetic; see `exactTick`. */
  readonly tick: number
  /** For `gcra`: the exact time that one unit takes. */
  readonly rate: GcraRate | undefined
}
