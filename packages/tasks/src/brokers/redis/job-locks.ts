import type { RedisConnection } from '@plinth/core/redis'
import { systemTaskClock } from '../../task-clock.js'
import type { HeldJob } from './held-job.js'
import type { LaneTurn } from './lane-rota.js'
import type { RunCommand } from './run-command.js'

/** What keeping locks needs of the broker. Times in milliseconds. */
export interface JobLocksHost {
  readonly connection: RedisConnection
  readonly run: RunCommand
  /** How long a lock lasts unless it is renewed. */
  readonly lockMs: number
  /** How often it is looked whether locks have run out. */
  readonly stalledMs: number
}

/** Who is told what becomes of locks. */
export interface JobLocksListener {
  /** A job in hand is another worker's by now. */
  lost(id: string): void
  /** Jobs of dead workers are to be taken from a lane again. */
  freed(lane: LaneTurn): void
  failed(error: unknown): void
}

/** Renews the locks of the jobs in hand, and frees the jobs of workers that no longer renew theirs. */
export class JobLocks {
  readonly #host: JobLocksHost
  readonly #lanes: readonly LaneTurn[]
  readonly #held: ReadonlyMap<string, HeldJob>
  readonly #listener: JobLocksListener
  readonly #timers: NodeJS.Timeout[] = []

  constructor(
    host: JobLocksHost,
    { lanes, held }: { readonly lanes: readonly LaneTurn[]; readonly held: ReadonlyMap<string, HeldJob> },
    listener: JobLocksListener,
  ) {
    this.#host = host
    this.#lanes = lanes
    this.#held = held
    this.#listener = listener
  }

  start(): void {
    this.#every(this.#host.lockMs / 8, () => this.#renew())
    this.#every(this.#host.stalledMs, () => this.#freeStalled())
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#timers.push(
      setInterval(() => {
        work().catch((error: unknown) => this.#listener.failed(error))
      }, ms).unref(),
    )
  }

  async #renew(): Promise<void> {
    const { lockMs, run } = this.#host
    const now = systemTaskClock.elapsed()
    for (const { queue } of this.#lanes) {
      const due = [...this.#held.values()].filter((held) => held.lane === queue && now - held.renewedAt > lockMs / 6)
      if (due.length === 0) continue
      const ids = due.map(({ job }) => job.id)
      const tokens = due.map(({ token }) => token)
      const lost = await run(async () => (await queue.backend()).extendLocks(ids, tokens, lockMs))
      for (const held of due) held.renewedAt = now
      for (const id of lost ?? []) this.#listener.lost(id)
    }
  }

  async #freeStalled(): Promise<void> {
    if (!this.#host.connection.available) return
    const look = async (lane: LaneTurn): Promise<void> => {
      const found = await this.#host.run(async () => (await lane.queue.backend()).moveStalledJobsToWait())
      if (found.length > 0) this.#listener.freed(lane)
    }
    await Promise.all(this.#lanes.map(look))
  }
}
