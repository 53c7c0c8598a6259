import { BackendUnavailableError } from '@plinth/core'
import type { TaskMessage } from '../../message.js'
import type { Outcome } from '../../outcome.js'
import { sleep } from '../../sleep.js'
import { CANCELLED_MS } from './cancel-mark.js'
import { type HeldJob, isLost, type Keeping } from './held-job.js'
import type { Taken } from './lane-queue.js'
import type { RedisLayout } from './redis-layout.js'
import type { ResultDesk } from './result-desk.js'
import type { RunCommand } from './run-command.js'
import { dropLease } from './task-scripts.js'

/** What storing outcomes needs of the broker, and of the consumer whose jobs they are. */
export interface JobOutcomesHost {
  readonly run: RunCommand
  readonly layout: RedisLayout
  /** Ended jobs of each lane that are kept at most. */
  readonly maxEnded: number
  /** Told that a task has ended. */
  readonly desk: ResultDesk
  /** Aborts when nothing is tried any longer. */
  readonly down: AbortSignal
  readonly failed: (error: unknown) => void
}

/** Makes outcomes durable, however long the broker is away meanwhile, and takes away what an ended task leaves behind. */
export class JobOutcomes {
  readonly #host: JobOutcomesHost
  #keeping: Keeping

  constructor(host: JobOutcomesHost) {
    this.#host = host
    this.#keeping = { resultMs: 0, deadMs: 0, most: host.maxEnded }
  }

  /** A lane has one time for which all ended jobs are kept: the longest that any task in hand so far has asked for. */
  keepLongEnough({ keepResultMs, keepDeadMs }: TaskMessage): void {
    const { resultMs, deadMs, most } = this.#keeping
    if (keepResultMs <= resultMs && keepDeadMs <= deadMs) return
    this.#keeping = { resultMs: Math.max(resultMs, keepResultMs), deadMs: Math.max(deadMs, keepDeadMs), most }
  }

  /** Stores an outcome; with `fetchNext` it answers the lane's next job. `undefined` when the job is no longer ours, or it was given up. */
  async store(held: HeldJob, outcome: Outcome, fetchNext: boolean): Promise<Taken | undefined> {
    const { run, desk, down, failed } = this.#host
    for (let attempt = 0; !down.aborted; attempt += 1) {
      const { token } = held
      try {
        if (outcome.kind === 'cancelled') await this.#rememberCancelled(held, outcome.reason)
        const taken = await run(() => held.store(outcome, this.#keeping, fetchNext, Date.now()))
        if (outcome.kind === 'completed' || outcome.kind === 'dead' || outcome.kind === 'cancelled') {
          desk.ended(held.job.id, outcome)
          this.#forget(held)
        }
        return taken
      } catch (error) {
        // It was stored by an earlier try whose answer was lost, or another worker has it: either way it is not ours. Or it
        // came to us once more meanwhile, and is stored under its new lock.
        if (isLost(error)) {
          if (held.token === token) return undefined
          continue
        }
        failed(error)
        if (!(error instanceof BackendUnavailableError) && attempt >= 3) return undefined
        await sleep(Math.min(1000, 50 * 2 ** attempt), down)
      }
    }
    return undefined
  }

  /** Before its job goes. */
  async #rememberCancelled({ message }: HeldJob, reason: string | undefined): Promise<void> {
    const key = this.#host.layout.cancelledKey(message)
    const keepMs = Math.max(CANCELLED_MS, message.keepResultMs)
    await this.#host.run((client) => client.set(key, JSON.stringify(reason ?? null), 'PX', keepMs))
  }

  /** Takes away what is of no use once a task has ended. Costs nothing for a task that left nothing. */
  #forget({ memoKey, message }: HeldJob): void {
    const { run, layout } = this.#host
    const unique = message.dedupe?.unique
    if (memoKey !== undefined) run((client) => client.del(memoKey)).catch(() => {}) // it expires
    if (unique === undefined) return
    const key = layout.claimKey('u', message, unique.key)
    run((client) => dropLease.run(client, [key], [message.id])).catch(() => {}) // it no longer holds anyway
  }
}
