/** How urgent a task is. Lanes share the workers by weight, so a busy `high` lane slows `low` down but never starves it. */
export type Lane = 'high' | 'normal' | 'low'

/** Every lane, most urgent first. */
export const LANES: readonly Lane[] = ['high', 'normal', 'low']

/** How many of ten starts each lane gets while all of them have work waiting. */
export type LaneWeights = Readonly<Record<Lane, number>>

/** The weights of a worker that sets none: 6, 3 and 1. */
export const DEFAULT_LANE_WEIGHTS: LaneWeights = { high: 6, normal: 3, low: 1 }
