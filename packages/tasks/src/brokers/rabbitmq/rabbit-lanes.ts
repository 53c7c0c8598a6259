import type { ConsumeOptions } from '../../broker.js'
import { LANES, type Lane } from '../../lane.js'
import { LanePicker } from '../../lane-picker.js'
import { systemTaskClock } from '../../task-clock.js'
import { type Held, tagOf } from './held.js'
import { laneQueue } from './rabbit-queues.js'

/** How long a lane keeps its turn while the message that takes the place of an acknowledged one may be on its way. */
const REFILL_MS = 20

/** What one consumer of one lane's queue has in hand. */
interface Window {
  readonly queue: string
  readonly lane: Lane
  readonly waiting: Held[]
  unacknowledged: number
  refillUntil: number
}

/**
 * What has been delivered and not started, by lane, and whose turn it is.
 *
 * A lane whose window was full has more in RabbitMQ: it is not passed over just because its next message is still on its
 * way, or short tasks would share a worker by the time a delivery takes and not by weight.
 */
export class RabbitLanes {
  readonly #windows = new Map<string, Window>()
  readonly #picker: LanePicker
  readonly #size: number
  readonly #paused: (queue: string) => boolean
  readonly #wake: () => void
  #turn: Lane | undefined
  #alarm = false

  /** `wake` is called when a turn that was kept has lapsed. */
  constructor(
    options: Pick<ConsumeOptions, 'queues' | 'concurrency' | 'weights'>,
    paused: (queue: string) => boolean,
    wake: () => void,
  ) {
    this.#picker = new LanePicker(options.weights)
    this.#size = options.concurrency
    this.#paused = paused
    this.#wake = wake
    for (const queue of options.queues) {
      for (const lane of LANES) {
        const window = { queue, lane, waiting: [], unacknowledged: 0, refillUntil: 0 }
        this.#windows.set(tagOf(laneQueue(queue, lane)), window)
      }
    }
  }

  /** A delivery came in on this tag, whatever becomes of it. */
  arrived(tag: string): void {
    const window = this.#windows.get(tag)
    if (window === undefined) return
    window.unacknowledged += 1
    window.refillUntil = 0
  }

  /** A delivery of this tag was acknowledged. */
  acknowledged(tag: string): void {
    const window = this.#windows.get(tag)
    if (window === undefined) return
    if (window.unacknowledged >= this.#size) window.refillUntil = systemTaskClock.elapsed() + REFILL_MS
    window.unacknowledged -= 1
  }

  push(held: Held): void {
    this.#windows.get(held.raw.fields.consumerTag ?? '')?.waiting.push(held)
  }

  /** The next to be started; `undefined` when there is none now. */
  next(): Held | undefined {
    if (!this.#waits()) return undefined
    const now = systemTaskClock.elapsed()
    for (;;) {
      const lane =
        this.#turn ?? this.#picker.pick((one) => this.#oldest(one) !== undefined || this.#refilling(one, now))
      if (lane === undefined) return undefined
      const window = this.#oldest(lane)
      if (window === undefined && this.#refilling(lane, now)) {
        this.#turn = lane
        this.#wakeLater()
        return undefined
      }
      this.#turn = undefined
      if (window !== undefined) return window.waiting.shift()
    }
  }

  #waits(): boolean {
    for (const { waiting, queue } of this.#windows.values()) if (waiting.length > 0 && !this.#paused(queue)) return true
    return false
  }

  #refilling(lane: Lane, now: number): boolean {
    for (const one of this.#windows.values()) {
      if (one.lane === lane && one.refillUntil > now && !this.#paused(one.queue)) return true
    }
    return false
  }

  /** Of the queues behind one lane, the one whose first message came first. */
  #oldest(lane: Lane): Window | undefined {
    let found: Window | undefined
    for (const window of this.#windows.values()) {
      const first = window.lane === lane ? window.waiting[0] : undefined
      if (first === undefined || this.#paused(window.queue)) continue
      if (first.arrival < (found?.waiting[0]?.arrival ?? Number.POSITIVE_INFINITY)) found = window
    }
    return found
  }

  /** Takes out everything that waits. */
  takeAll(): readonly Held[] {
    return [...this.#windows.values()].flatMap(({ waiting }) => waiting.splice(0))
  }

  /** Forgets what a lost session brought. */
  reset(): void {
    this.takeAll()
    for (const window of this.#windows.values()) window.unacknowledged = 0
  }

  #wakeLater(): void {
    if (this.#alarm) return
    this.#alarm = true
    systemTaskClock.after(REFILL_MS, () => {
      this.#alarm = false
      this.#wake()
    })
  }
}
