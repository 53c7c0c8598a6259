import type { LaneWeights } from '../../lane.js'
import { LanePicker } from '../../lane-picker.js'
import { systemTaskClock } from '../../task-clock.js'
import type { LaneQueue } from './lane-queue.js'
import type { Mark } from './wake-up.js'

/** How long a lane that seemed empty is left alone while others keep all slots busy. */
const LOOK_AGAIN_MS = 100

/** A lane, and what a consumer knows of it. */
export interface LaneTurn {
  readonly queue: LaneQueue
  /** It may have a job: worth asking. */
  hopeful: boolean
  /** When its next delayed job is due, by the wall clock; 0: none is known. */
  dueAt: number
  /** When it was last found empty, by the clock that never steps back. */
  emptyAt: number
}

/** Whose turn it is among the lanes of a consumer: by their weights, those that may have a job; lanes of one weight in turn. */
export class LaneRota {
  readonly lanes: readonly LaneTurn[]
  readonly #picker: LanePicker
  /** Chosen already, and not asked yet. */
  #planned: LaneTurn | undefined
  #turn = 0

  constructor(queues: readonly LaneQueue[], weights: LaneWeights) {
    this.lanes = queues.map((queue) => ({ queue, hopeful: true, dueAt: 0, emptyAt: 0 }))
    this.#picker = new LanePicker(weights)
  }

  /** When the first delayed job that is known of is due, by the wall clock; `Infinity` when none is. */
  get nextDueAt(): number {
    return this.lanes.reduce((first, { dueAt }) => (dueAt > 0 ? Math.min(first, dueAt) : first), Infinity)
  }

  /** The lane to ask now; `undefined` when none may have a job. */
  take(): LaneTurn | undefined {
    const lane = this.#planned ?? this.#choose()
    this.#planned = undefined
    return lane
  }

  /** The lane of `queue`, if that is the lane to go on with; `busy` says that no slot is free to look at the others. */
  goOnWith(queue: LaneQueue, busy: boolean): LaneTurn | undefined {
    const now = systemTaskClock.elapsed()
    for (const lane of this.lanes) {
      if (!lane.hopeful && now - lane.emptyAt > LOOK_AGAIN_MS && busy) lane.hopeful = true
    }
    const own = this.lanes.find((lane) => lane.queue === queue)
    if (own?.hopeful !== true) return undefined
    const others = this.lanes.some((lane) => lane !== own && lane.hopeful)
    if (!others) return own
    const next = this.#planned ?? this.#choose()
    this.#planned = next === own ? undefined : next
    return next === own ? own : undefined
  }

  /** Any lane may have a job. */
  hopeAgain(): void {
    for (const lane of this.lanes) lane.hopeful = true
  }

  /** A sleep has ended with a mark, or without one. */
  woken(mark: Mark | undefined): void {
    if (mark === undefined) {
      this.hopeAgain()
      return
    }
    const lane = this.lanes.find(({ queue }) => queue.key('marker') === mark.key)
    if (lane === undefined) return
    if (mark.dueAt <= Date.now()) lane.hopeful = true
    else lane.dueAt = mark.dueAt
  }

  /** A lane had no job; its next is due at `nextAt` (0: none is known). */
  foundEmpty(lane: LaneTurn, nextAt: number): void {
    lane.hopeful = false
    lane.emptyAt = systemTaskClock.elapsed()
    if (nextAt > 0) lane.dueAt = nextAt
  }

  #choose(): LaneTurn | undefined {
    const now = Date.now()
    for (const lane of this.lanes) {
      if (lane.dueAt > 0 && lane.dueAt <= now) {
        lane.dueAt = 0
        lane.hopeful = true
      }
    }
    const chosen = this.#picker.pick((one) => this.lanes.some(({ queue, hopeful }) => hopeful && queue.lane === one))
    const equals = this.lanes.filter(({ queue, hopeful }) => hopeful && queue.lane === chosen)
    this.#turn += 1
    return equals[this.#turn % equals.length]
  }
}
