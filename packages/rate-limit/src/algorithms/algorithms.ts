import type { Limit } from '../policy/limit.js'
import type { Algorithm } from './algorithm.js'
import { block } from './block.js'
import { concurrency } from './concurrency.js'
import { fixed } from './fixed.js'
import { gcra } from './gcra.js'
import { sliding } from './sliding.js'
import { strict } from './strict.js'

/** The algorithm that a limit names. Its states are opaque: only the algorithm that wrote one reads it. */
export function algorithmOf(limit: Limit): Algorithm<unknown> {
  return ALGORITHMS[limit.algorithm]
}

// Each is called only with states of its own: a limit's key holds its algorithm.
const ALGORITHMS = { fixed, sliding, gcra, strict, concurrency, block } as Readonly<
  Record<Limit['algorithm'], unknown>
> as Readonly<Record<Limit['algorithm'], Algorithm<unknown>>>
