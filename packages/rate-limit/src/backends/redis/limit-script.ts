import type { Evaluation } from '../../algorithms/algorithm.js'
import type { Limit } from '../../policy/limit.js'
import type { Charge } from '../../rate-limit-backend.js'

/**
 * How limits of one algorithm are counted in Lua, in pieces from which scripts are put together.
 *
 * A piece writes variables of its own limit as `$count`. It finds `now` in microseconds, and of its charge `$key`, `$cost`
 * and `$lease`. Lua counts in doubles: every number stays a whole one below 2^53. States are packed doubles, which is
 * several times quicker there than text. Only what decides is worked out in Lua: from the numbers in
 * {@link LimitScript.replies}, {@link LimitScript.evaluate} tells the rest when somebody asks.
 */
export interface LimitScript {
  /** A letter for it, which names scripts by what they are made of. */
  readonly kind: string
  /** The variables that scripts are told once for a limit. */
  readonly told: readonly string[]
  /** Their values. `now`: the server's clock as far as it is known. */
  readonly valuesOf: (limit: Limit, now: number) => readonly number[]
  /** What each charge is told: its cost, the lease that it takes, or nothing. */
  readonly charged: 'cost' | 'lease' | undefined
  /** Run once for a limit. May end the script by `return { now, -1 }`: what was told is not of now. */
  readonly prepare: string
  /** Takes the state apart. Sets `$raw`, and `$moved` when the state lies in the future and is to be saved as of now. */
  readonly read: string
  /** Sets `$fits`: whether the limit admits the charge. */
  readonly admit: string
  /** Numbers about the state as it was found. */
  readonly replies: readonly string[]
  /** Charges. Absent when charging writes nothing. */
  readonly charge: string | undefined
  /** Puts the state together again, and keeps it for as long as it matters. */
  readonly save: string
  /** Charges or gives back `$by` units of what was admitted `$at`. Clears `$applies` when nothing changes, sets `$left`. */
  readonly correct: string
  /** What the limit said, by the numbers that stand in `numbers` from `from` on. `at`: the server's clock. */
  readonly evaluate: (charge: Charge, numbers: readonly number[], from: number, at: number) => Evaluation
}

/** Keeps `$key` for `life` microseconds, and a little longer: other clocks than the server's decide nothing. */
export function keep(state: string, life: string): string {
  return `call('SET', $key, ${state}, 'PX', ceil((${life}) / 1000) + slack)`
}
