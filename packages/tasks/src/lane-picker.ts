import { LANES, type Lane, type LaneWeights } from './lane.js'

/**
 * Chooses which lane goes next, by weight and without bursts.
 *
 * Smooth weighted round robin (as in nginx's upstream balancer): among lanes that always have work, each gets its share in
 * every run of as many picks as the weights add up to; a lane without work neither gains nor loses credit.
 */
export class LanePicker {
  readonly #weights: LaneWeights
  readonly #credit: Record<Lane, number> = { high: 0, normal: 0, low: 0 }

  constructor(weights: LaneWeights) {
    this.#weights = weights
  }

  /** Picks among the lanes for which `hasWork` is true; `undefined` when there is none. */
  pick(hasWork: (lane: Lane) => boolean): Lane | undefined {
    let best: Lane | undefined
    let total = 0
    for (const lane of LANES) {
      if (!hasWork(lane)) continue
      total += this.#weights[lane]
      this.#credit[lane] += this.#weights[lane]
      if (best === undefined || this.#credit[lane] > this.#credit[best]) best = lane
    }
    if (best !== undefined) this.#credit[best] -= total
    return best
  }
}
