import { setMaxListeners } from 'node:events'
import { BackendUnavailableError } from '@plinth/core'
import type { JobJson } from 'bullmq'
import { asError } from '../../as-error.js'
import type { ConsumeOptions, TaskConsumer } from '../../broker.js'
import { convict } from '../../convict.js'
import type { Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { decodeJob } from './bull-codec.js'
import { CANCEL_FIELD, readCancelMark } from './cancel-mark.js'
import { HeldJob, SOLO_FIELD } from './held-job.js'
import { JobDelivery } from './job-delivery.js'
import { JobLocks, type JobLocksHost } from './job-locks.js'
import { JobOutcomes } from './job-outcomes.js'
import { LaneIntake } from './lane-intake.js'
import type { LaneQueue } from './lane-queue.js'
import type { RedisControl } from './redis-control.js'
import type { RedisLayout } from './redis-layout.js'
import { ResultDesk } from './result-desk.js'

/** What a consumer needs of its broker. */
export interface RedisConsumerHost extends JobLocksHost {
  readonly control: RedisControl
  readonly layout: RedisLayout
  /** Ended jobs of each lane that are kept at most. */
  readonly maxEnded: number
}

/** So many of the last wishes to cancel what is not here are remembered: the job may be on its way. */
const REMEMBERED_WISHES = 64

/**
 * Takes jobs from the lanes of some queues while there are free slots, keeps their locks, and settles them.
 *
 * With free slots and nothing to take it sleeps on the marks of all its lanes with one blocking command. With all slots
 * busy, a job that ends brings the next one of its lane in the same command, so a task costs what it costs in BullMQ.
 */
export class RedisConsumer implements TaskConsumer {
  readonly #host: RedisConsumerHost
  readonly #options: ConsumeOptions
  readonly #intake: LaneIntake
  readonly #desk: ResultDesk
  readonly #outcomes: JobOutcomes
  readonly #locks: JobLocks
  readonly #held = new Map<string, HeldJob>()
  /** Jobs that were put back and are here again before the answer to that, by their ids. */
  readonly #early = new Map<string, { readonly held: HeldJob; readonly decided: Outcome | undefined }>()
  readonly #suspects: HeldJob[] = []
  readonly #wishes = new Set<string>()
  readonly #down = new AbortController()
  readonly #off: (() => void)[] = []
  #running = 0
  /** Jobs of which it is being read whether they were cancelled, and next jobs that come with a settlement. */
  #looking = 0
  #fetching = 0
  #solo = false
  #taking = true
  #closing: Promise<void> | undefined

  constructor(host: RedisConsumerHost, options: ConsumeOptions) {
    this.#host = host
    this.#options = options
    setMaxListeners(0, this.#down.signal) // every task that cannot be settled yet waits for it
    this.#desk = new ResultDesk(host.control)
    const failed = (error: unknown): void => this.#report(error)
    this.#intake = new LaneIntake(
      {
        ...host,
        down: this.#down.signal,
        took: (lane, job, token) => this.#took(lane, job, token),
        ready: () => this.#pump(),
        failed,
      },
      options.queues.flatMap((queue) => host.layout.lanes(queue)),
      options.weights,
    )
    this.#outcomes = new JobOutcomes({ ...host, desk: this.#desk, down: this.#down.signal, failed })
    this.#locks = new JobLocks(
      host,
      { lanes: this.#intake.lanes, held: this.#held },
      {
        lost: (id) => options.interrupt(id, 'lost', undefined),
        freed: (lane) => {
          lane.hopeful = true
          this.#pump()
        },
        failed,
      },
    )
  }

  async start(): Promise<void> {
    this.#off.push(
      this.#host.connection.onChange(({ available }) => {
        if (!available) return
        this.#intake.hopeAgain()
        this.#pump()
      }),
      this.#host.control.onAfterGap(() => {
        for (const held of this.#held.values()) void this.#lookWhetherCancelled(held)
      }),
    )
    this.#locks.start()
    await this.#desk.open((message) => {
      if (message.type === 'cancel') this.#cancel(message.id, message.reason)
    })
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#taking = false
    await this.#intake.close()
    while ((this.#expecting || this.#fetching > 0) && this.#host.connection.available) await sleep(2)
  }

  close(deadlineMs = 5000): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    const end = systemTaskClock.elapsed() + deadlineMs
    await this.stop()
    await Promise.all(this.#suspects.splice(0).map((held) => this.#settle(held, { kind: 'released' })))
    while (this.#held.size > 0 && systemTaskClock.elapsed() < end) await sleep(5)
    this.#down.abort()
    this.#locks.stop()
    for (const off of this.#off) off()
    await this.#desk.close()
  }

  /** A broker that is away is told of by its connection; everything else is worth a line. */
  #report(error: unknown): void {
    if (error instanceof BackendUnavailableError) return
    this.#options.onError(asError(error))
  }

  /** Whether a job may start any moment: one was asked for, or is looked at. */
  get #expecting(): boolean {
    return this.#intake.asking || this.#looking > 0
  }

  /** Takes the next step: ask a lane, sleep, or do nothing until a slot is free. */
  #pump(): void {
    if (!this.#taking || this.#solo || this.#expecting || !this.#host.connection.available) return
    if (this.#suspects.length > 0) {
      this.#startAlone()
      return
    }
    if (this.#running >= this.#options.concurrency) return
    this.#intake.next()
  }

  #took(lane: LaneQueue, job: JobJson, token: string): void {
    const message = decodeJob(job, lane.queue, lane.lane)
    const now = systemTaskClock.elapsed()
    if (message !== undefined) {
      this.#hold(new HeldJob(lane, job, token, message, now), readCancelMark(job.deferredFailure))
      return
    }
    const unreadable = decodeJob({ ...job, data: '{}' }, lane.queue, lane.lane)
    if (unreadable === undefined) return
    const failure = { name: 'InvalidPayload', message: 'The stored task is not JSON.' }
    this.#hold(new HeldJob(lane, job, token, unreadable, now), { kind: 'dead', reason: 'invalid-payload', failure })
  }

  #hold(held: HeldJob, decided?: Outcome): void {
    const running = this.#held.get(held.job.id)
    if (running !== undefined) {
      this.#holdAgain(held, running, decided)
      return
    }
    this.#held.set(held.job.id, held)
    this.#outcomes.keepLongEnough(held.message)
    if (decided === undefined && this.#wishes.delete(held.job.id)) void this.#beginUnlessCancelled(held)
    else this.#begin(held, decided)
  }

  /** A job came while it is in hand: its lock ran out, or its outcome puts it back and the answer to that is on its way. */
  #holdAgain(held: HeldJob, running: HeldJob, decided: Outcome | undefined): void {
    if (!running.lostTo(held)) {
      this.#early.set(held.job.id, { held, decided })
      return
    }
    running.adopt(held) // the run that goes on here settles it
    if (decided?.kind === 'cancelled') this.#cancel(held.job.id, decided.reason)
  }

  #begin(held: HeldJob, decided: Outcome | undefined): void {
    if (decided !== undefined) void this.#settle(held, decided)
    else if (held.suspect) this.#suspects.push(held)
    else if (!this.#taking) void this.#settle(held, { kind: 'released' })
    else void this.#handle(held)
  }

  /** Ends what is here, whether it runs or waits to run alone. What is not here may be on its way. */
  #cancel(id: string, reason: string | undefined): void {
    const held = this.#held.get(id)
    if (held === undefined) {
      this.#wishes.add(id)
      const [oldest] = this.#wishes
      if (this.#wishes.size > REMEMBERED_WISHES && oldest !== undefined) this.#wishes.delete(oldest)
      return
    }
    held.cancelled = { kind: 'cancelled', reason }
    const waiting = this.#suspects.indexOf(held)
    if (waiting < 0) this.#options.interrupt(id, 'cancelled', reason)
    else {
      this.#suspects.splice(waiting, 1)
      void this.#settle(held, held.cancelled)
    }
  }

  /** What was said while nobody listened is read off the job. */
  async #lookWhetherCancelled(held: HeldJob): Promise<void> {
    const { id } = held.job
    const mark = await this.#host.run((client) => client.hget(held.lane.key(id), CANCEL_FIELD)).catch(() => undefined)
    const wish = readCancelMark(mark)
    if (wish !== undefined && this.#held.get(id) === held) this.#cancel(id, wish.reason)
  }

  /** A wish may have been meant for an earlier life of the task: the job itself says whether it still holds. */
  async #beginUnlessCancelled(held: HeldJob): Promise<void> {
    this.#looking += 1 // a close waits for what is about to start
    await this.#lookWhetherCancelled(held)
    this.#looking -= 1
    this.#begin(held, held.cancelled)
    this.#pump()
  }

  async #handle(held: HeldJob): Promise<void> {
    this.#running += 1
    const outcome = await this.#options.handle(new JobDelivery(held, this.#host.run))
    await this.#settle(held, outcome, true)
  }

  /** A suspect runs alone: when nothing else runs here, and nothing is under way. */
  #startAlone(): void {
    if (this.#running + this.#fetching > 0) return
    const held = this.#suspects.shift()
    if (held === undefined) return
    this.#solo = true
    void this.#runAlone(held).finally(() => {
      this.#solo = false
      this.#pump()
    })
  }

  async #runAlone(held: HeldJob): Promise<void> {
    const job = held.lane.key(held.job.id)
    let starts: number
    try {
      starts = await this.#host.run((client) => client.hincrby(job, SOLO_FIELD, 1))
    } catch (error) {
      this.#report(error)
      return this.#settle(held, { kind: 'released' })
    }
    await this.#lookWhetherCancelled(held)
    if (held.cancelled !== undefined) return this.#settle(held, held.cancelled)
    if (starts > this.#options.crashBudget) return this.#settle(held, convict(held.message.task, starts - 1))
    this.#running += 1
    const outcome = await this.#options.handle(new JobDelivery(held, this.#host.run))
    if (outcome.kind === 'released') {
      await this.#host.run((client) => client.hincrby(job, SOLO_FIELD, -1)).catch((error) => this.#report(error))
    }
    this.#running -= 1
    await this.#settle(held, outcome)
  }

  /** Makes an outcome durable, however long the broker is away meanwhile, and goes on with the slot that it frees. */
  async #settle(held: HeldJob, outcome: Outcome, slot = false): Promise<void> {
    const busy = this.#running >= this.#options.concurrency
    const lane = slot && this.#mayFetchNext() ? this.#intake.goOnWith(held.lane, busy) : undefined
    const fetchNext = lane !== undefined && outcome.kind !== 'released'
    if (fetchNext) this.#fetching += 1
    const taken = await this.#outcomes.store(held, outcome, fetchNext)
    this.#held.delete(held.job.id)
    if (slot) this.#running -= 1
    if (this.#early.size > 0) this.#holdEarly(held)
    if (fetchNext) {
      this.#fetching -= 1
      if (taken !== undefined) this.#intake.answered(lane, taken)
    }
    this.#pump()
  }

  /** Goes on with a job that was here before the answer that it was put back. A wish to cancel that came meanwhile is for it. */
  #holdEarly({ job, cancelled }: HeldJob): void {
    const early = this.#early.get(job.id)
    if (early === undefined) return
    this.#early.delete(job.id)
    this.#hold(early.held, early.decided ?? cancelled)
  }

  /** Whether the job that ends may bring the next: its lane's turn, and room for one more. */
  #mayFetchNext(): boolean {
    return this.#taking && !this.#solo && this.#suspects.length === 0 && !this.#down.signal.aborted
  }
}
