import { randomUUID } from 'node:crypto'
import type { RedisConnection } from '@plinth/core/redis'
import type { JobJson } from 'bullmq'
import type { LaneWeights } from '../../lane.js'
import { sleep } from '../../sleep.js'
import type { LaneQueue, Taken } from './lane-queue.js'
import { LaneRota, type LaneTurn } from './lane-rota.js'
import type { RunCommand } from './run-command.js'
import { WakeUp } from './wake-up.js'

/** How long after a question that failed another is asked: an outage is waited for, and what is no outage must not spin. */
const ASK_AGAIN_MS = 200

/** What an intake needs of the consumer it takes for. */
export interface LaneIntakeHost {
  readonly connection: RedisConnection
  readonly run: RunCommand
  /** Aborts when nothing is waited for any longer. */
  readonly down: AbortSignal
  /** Given every job, locked with a token. */
  readonly took: (queue: LaneQueue, job: JobJson, token: string) => void
  /** Told whenever a question has been answered, or a sleep is over. */
  readonly ready: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Takes jobs from some lanes, one question at a time: asks the lane whose turn it is, and sleeps on the marks of all of them
 * with one blocking command while none may have a job.
 */
export class LaneIntake {
  readonly #host: LaneIntakeHost
  readonly #rota: LaneRota
  readonly #wake: WakeUp
  readonly #id = randomUUID()
  #tokens = 0
  #asking = false
  #closed = false

  constructor(host: LaneIntakeHost, queues: readonly LaneQueue[], weights: LaneWeights) {
    this.#host = host
    this.#rota = new LaneRota(queues, weights)
    this.#wake = new WakeUp(
      host.connection,
      queues.map((queue) => queue.key('marker')),
    )
  }

  get lanes(): readonly LaneTurn[] {
    return this.#rota.lanes
  }

  /** Whether a question is under way, and so perhaps a job. */
  get asking(): boolean {
    return this.#asking
  }

  /** Takes the next step: asks a lane, or sleeps, unless it does so already. */
  next(): void {
    if (this.#asking) return
    const lane = this.#rota.take()
    if (lane !== undefined) void this.#ask(lane)
    else if (!this.#wake.sleeping) void this.#sleep()
  }

  /** The lane of `queue`, if that is the lane to go on with; `busy` says that no slot is free to look at the others. */
  goOnWith(queue: LaneQueue, busy: boolean): LaneTurn | undefined {
    return this.#rota.goOnWith(queue, busy)
  }

  /** Takes in what a lane answered, be it to a settlement that asked for the next job: a job, or when one is due. */
  answered(lane: LaneTurn, taken: Taken): void {
    if (taken.job === undefined) {
      this.#rota.foundEmpty(lane, taken.nextAt)
      return
    }
    lane.hopeful = true
    this.#host.took(lane.queue, taken.job, taken.token)
  }

  /** Any lane may have a job. */
  hopeAgain(): void {
    this.#rota.hopeAgain()
  }

  /** Ends a sleep, and begins none. A question under way is answered yet. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#wake.close()
  }

  async #ask(lane: LaneTurn): Promise<void> {
    this.#asking = true
    const token = `${this.#id}:${this.#tokens++}`
    try {
      this.answered(lane, await this.#host.run(() => lane.queue.take(token)))
    } catch (error) {
      this.#host.failed(error)
      await sleep(ASK_AGAIN_MS, this.#host.down)
    } finally {
      this.#asking = false
      this.#host.ready()
    }
  }

  async #sleep(): Promise<void> {
    const mark = await this.#wake.sleep(this.#rota.nextDueAt - Date.now())
    this.#rota.woken(mark)
    const isAway = !this.#host.connection.available
    if (!this.#closed && mark === undefined && isAway) await sleep(ASK_AGAIN_MS, this.#host.down)
    this.#host.ready()
  }
}
