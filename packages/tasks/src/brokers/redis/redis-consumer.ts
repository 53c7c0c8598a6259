import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { BackendUnavailableError } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { ConsumeOptions, TaskConsumer } from '../../broker.js'
import type { Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { decodeJob } from './bull-codec.js'
import { CANCEL_FIELD, readCancelMark } from './cancel-mark.js'
import { HeldJob, isLost, type Keeping, SOLO_FIELD } from './held-job.js'
import { JobDelivery } from './job-delivery.js'
import type { LaneQueue, Taken } from './lane-queue.js'
import { LaneRota, type LaneTurn } from './lane-rota.js'
import type { RedisControl } from './redis-control.js'
import { ResultDesk } from './result-desk.js'
import { WakeUp } from './wake-up.js'

/** What a consumer needs of its broker. Times in milliseconds. */
export interface RedisConsumerHost {
  readonly connection: RedisConnection
  readonly control: RedisControl
  /** How long one command may take. */
  readonly commandMs: number
  readonly lockMs: number
  readonly stalledMs: number
  /** Ended jobs of each lane that are kept at most. */
  readonly maxEnded: number
  /** Remembers that a task was cancelled, before its job goes. */
  readonly rememberCancelled: (held: HeldJob, reason: string | undefined) => Promise<void>
  /** Takes away what is of no use once a task has ended. Costs nothing for a task that left nothing. */
  readonly forget: (held: HeldJob) => void
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
  readonly #rota: LaneRota
  readonly #desk: ResultDesk
  readonly #wake: WakeUp
  readonly #id = randomUUID()
  readonly #held = new Map<string, HeldJob>()
  readonly #suspects: HeldJob[] = []
  readonly #wishes = new Set<string>()
  readonly #down = new AbortController()
  readonly #timers: NodeJS.Timeout[] = []
  #keeping: Keeping
  #running = 0
  /** Questions of our own under way, and next jobs that come with a settlement. */
  #asking = 0
  #fetching = 0
  #solo = false
  #taking = true
  #tokens = 0
  readonly #off: (() => void)[] = []
  #closing: Promise<void> | undefined

  constructor(host: RedisConsumerHost, lanes: readonly LaneQueue[], options: ConsumeOptions) {
    this.#host = host
    this.#options = options
    setMaxListeners(0, this.#down.signal) // every task that cannot be settled yet waits for it
    this.#rota = new LaneRota(lanes, options.weights)
    this.#desk = new ResultDesk(host.control)
    this.#wake = new WakeUp(
      host.connection,
      lanes.map((lane) => lane.key('marker')),
    )
    this.#keeping = { resultMs: 0, deadMs: 0, most: host.maxEnded }
  }

  async start(): Promise<void> {
    this.#off.push(
      this.#host.connection.onChange(({ available }) => {
        if (available) this.#hopeAgain()
      }),
      this.#host.control.onAfterGap(() => {
        for (const held of this.#held.values()) void this.#lookWhetherCancelled(held)
      }),
    )
    this.#every(this.#host.lockMs / 8, () => this.#renewLocks())
    this.#every(this.#host.stalledMs, () => this.#findStalled())
    await this.#desk.open((message) => {
      if (message.type === 'cancel') this.#cancel(message.id, message.reason)
    })
    this.#pump()
  }

  async stop(): Promise<void> {
    this.#taking = false
    await this.#wake.close()
    while (this.#asking + this.#fetching > 0 && this.#host.connection.available) await sleep(2)
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
    for (const timer of this.#timers) clearInterval(timer)
    for (const off of this.#off) off()
    await this.#desk.close()
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#timers.push(
      setInterval(() => {
        work().catch((error: unknown) => this.#report(error))
      }, ms).unref(),
    )
  }

  /** A broker that is away is told of by its connection; everything else is worth a line. */
  #report(error: unknown): void {
    if (error instanceof BackendUnavailableError) return
    this.#options.onError(error instanceof Error ? error : new Error(String(error)))
  }

  #hopeAgain(): void {
    this.#rota.hopeAgain()
    this.#pump()
  }

  /** Takes the next step: ask a lane, sleep, or do nothing until a slot is free. */
  #pump(): void {
    if (!this.#taking || this.#solo || this.#asking > 0 || !this.#host.connection.available) return
    if (this.#suspects.length > 0) {
      this.#startAlone()
      return
    }
    if (this.#running >= this.#options.concurrency) return
    const lane = this.#rota.take()
    if (lane !== undefined) void this.#ask(lane)
    else if (!this.#wake.sleeping) void this.#sleep()
  }

  async #ask(lane: LaneTurn): Promise<void> {
    this.#asking += 1
    const token = `${this.#id}:${this.#tokens++}`
    try {
      const taken = await this.#run(() => lane.queue.take(token))
      this.#took(lane, taken, token)
    } catch (error) {
      this.#report(error)
      await sleep(200, this.#down.signal) // an outage is waited for; what is no outage must not spin
    } finally {
      this.#asking -= 1
      this.#pump()
    }
  }

  async #sleep(): Promise<void> {
    const mark = await this.#wake.sleep(this.#rota.nextDueAt - Date.now())
    this.#rota.woken(mark)
    if (this.#taking && mark === undefined && !this.#host.connection.available) await sleep(200, this.#down.signal)
    this.#pump()
  }

  #took(lane: LaneTurn, taken: Taken, token: string): void {
    if (taken.job === undefined) {
      this.#rota.foundEmpty(lane, taken.nextAt)
      return
    }
    lane.hopeful = true
    const { queue } = lane
    const message = decodeJob(taken.job, queue.queue, queue.lane)
    const now = systemTaskClock.elapsed()
    if (message === undefined) {
      const unreadable = decodeJob({ ...taken.job, data: '{}' }, queue.queue, queue.lane)
      if (unreadable === undefined) return
      const failure = { name: 'InvalidPayload', message: 'The stored task is not JSON.' }
      this.#hold(new HeldJob(queue, taken.job, token, unreadable, now), {
        kind: 'dead',
        reason: 'invalid-payload',
        failure,
      })
      return
    }
    this.#hold(new HeldJob(queue, taken.job, token, message, now), readCancelMark(taken.job.deferredFailure))
  }

  #hold(held: HeldJob, decided?: Outcome): void {
    const running = this.#held.get(held.job.id)
    if (running !== undefined) {
      // It came back while its first run here still goes on: that run settles it, under the new lock.
      running.adopt(held)
      if (decided?.kind === 'cancelled') this.#cancel(held.job.id, decided.reason)
      return
    }
    this.#held.set(held.job.id, held)
    const { keepResultMs, keepDeadMs } = held.message
    const { resultMs, deadMs, most } = this.#keeping
    if (keepResultMs > resultMs || keepDeadMs > deadMs) {
      this.#keeping = { resultMs: Math.max(resultMs, keepResultMs), deadMs: Math.max(deadMs, keepDeadMs), most }
    }
    if (decided === undefined && this.#wishes.delete(held.job.id)) void this.#beginUnlessCancelled(held)
    else this.#begin(held, decided)
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
    const mark = await this.#run((client) => client.hget(held.lane.key(id), CANCEL_FIELD)).catch(() => undefined)
    const wish = readCancelMark(mark)
    if (wish !== undefined && this.#held.get(id) === held) this.#cancel(id, wish.reason)
  }

  /** A wish may have been meant for an earlier life of the task: the job itself says whether it still holds. */
  async #beginUnlessCancelled(held: HeldJob): Promise<void> {
    this.#asking += 1 // a close waits for what is about to start
    await this.#lookWhetherCancelled(held)
    this.#asking -= 1
    this.#begin(held, held.cancelled)
    this.#pump()
  }

  async #handle(held: HeldJob): Promise<void> {
    this.#running += 1
    const outcome = await this.#options.handle(new JobDelivery(held, this.#command))
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
      starts = await this.#run((client) => client.hincrby(job, SOLO_FIELD, 1))
    } catch (error) {
      this.#report(error)
      return this.#settle(held, { kind: 'released' })
    }
    await this.#lookWhetherCancelled(held)
    if (held.cancelled !== undefined) return this.#settle(held, held.cancelled)
    if (starts > this.#options.crashBudget) {
      const message = `Task "${held.message.task}" brought down its process ${starts - 1} times while running alone.`
      return this.#settle(held, { kind: 'dead', reason: 'crash', failure: { name: 'Crash', message } })
    }
    this.#running += 1
    const outcome = await this.#options.handle(new JobDelivery(held, this.#command))
    if (outcome.kind === 'released') {
      await this.#run((client) => client.hincrby(job, SOLO_FIELD, -1)).catch((error) => this.#report(error))
    }
    this.#running -= 1
    await this.#settle(held, outcome)
  }

  /** Makes an outcome durable, however long the broker is away meanwhile, and goes on with the slot that it frees. */
  async #settle(held: HeldJob, outcome: Outcome, slot = false): Promise<void> {
    const busy = this.#running >= this.#options.concurrency
    const lane = slot && this.#mayFetchNext() ? this.#rota.goOnWith(held.lane, busy) : undefined
    const fetchNext = lane !== undefined && outcome.kind !== 'released'
    if (fetchNext) this.#fetching += 1
    const taken = await this.#storeSurely(held, outcome, fetchNext)
    this.#held.delete(held.job.id)
    if (slot) this.#running -= 1
    if (fetchNext) {
      this.#fetching -= 1
      if (taken !== undefined) this.#took(lane, taken, held.token)
    }
    this.#pump()
  }

  /** Whether the job that ends may bring the next: its lane's turn, and room for one more. */
  #mayFetchNext(): boolean {
    return this.#taking && !this.#solo && this.#suspects.length === 0 && !this.#down.signal.aborted
  }

  async #storeSurely(held: HeldJob, outcome: Outcome, fetchNext: boolean): Promise<Taken | undefined> {
    for (let attempt = 0; !this.#down.signal.aborted; attempt += 1) {
      try {
        if (outcome.kind === 'cancelled') await this.#host.rememberCancelled(held, outcome.reason)
        const taken = await this.#run(() => held.store(outcome, this.#keeping, fetchNext, Date.now()))
        if (outcome.kind === 'completed' || outcome.kind === 'dead' || outcome.kind === 'cancelled') {
          this.#desk.ended(held.job.id, outcome)
          this.#host.forget(held)
        }
        return taken
      } catch (error) {
        // It was stored by an earlier try whose answer was lost, or another worker has it: either way it is not ours.
        if (isLost(error)) return undefined
        this.#report(error)
        if (!(error instanceof BackendUnavailableError) && attempt >= 3) return undefined
        await sleep(Math.min(1000, 50 * 2 ** attempt), this.#down.signal)
      }
    }
    return undefined
  }

  async #renewLocks(): Promise<void> {
    const now = systemTaskClock.elapsed()
    for (const { queue } of this.#rota.lanes) {
      const due = [...this.#held.values()].filter(
        (held) => held.lane === queue && now - held.renewedAt > this.#host.lockMs / 6,
      )
      if (due.length === 0) continue
      const ids = due.map(({ job }) => job.id)
      const tokens = due.map(({ token }) => token)
      const lost = await this.#run(async () => (await queue.backend()).extendLocks(ids, tokens, this.#host.lockMs))
      for (const held of due) held.renewedAt = now
      for (const id of lost ?? []) this.#options.interrupt(id, 'lost', undefined)
    }
  }

  async #findStalled(): Promise<void> {
    if (!this.#host.connection.available) return
    const look = async (lane: LaneTurn): Promise<void> => {
      const found = await this.#run(async () => (await lane.queue.backend()).moveStalledJobsToWait())
      if (found.length === 0) return
      lane.hopeful = true
      this.#pump()
    }
    await Promise.all(this.#rota.lanes.map(look))
  }

  readonly #command = <Result>(command: (client: RedisConnection['client']) => Promise<Result>): Promise<Result> =>
    this.#run(command)

  #run<Result>(command: (client: RedisConnection['client']) => Promise<Result>): Promise<Result> {
    return this.#host.connection.run(command, { deadlineMs: this.#host.commandMs })
  }
}
