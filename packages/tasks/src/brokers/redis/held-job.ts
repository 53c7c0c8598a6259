import type { JobJson, MinimalJob } from 'bullmq'
import type { describeFailure } from '../../failure.js'
import type { TaskMessage } from '../../message.js'
import type { Outcome } from '../../outcome.js'
import { spendsAttempt } from '../../spends-attempt.js'
import { withParkedAt } from './bull-codec.js'
import { type LaneQueue, type Taken, takenOf } from './lane-queue.js'

/** The field of a job's hash that counts starts alone that did not come to an end. */
export const SOLO_FIELD = 'plinth:solo'
/** The field of a dead job's hash that tells its reason, failure and attempts. */
export const DEAD_FIELD = 'plinth:dead'

/** How ended jobs are kept. */
export interface Keeping {
  /** The longest that results, and dead letters, are to be kept, in milliseconds. */
  readonly resultMs: number
  readonly deadMs: number
  /** At most so many of each. */
  readonly most: number
}

/** A job in the hands of this process, under a lock. */
export class HeldJob {
  readonly lane: LaneQueue
  job: JobJson
  token: string
  readonly message: TaskMessage
  /** When its lock was last renewed, by the clock that never steps back. */
  renewedAt: number
  /** A wish to cancel that came before it was started. */
  cancelled: Extract<Outcome, { readonly kind: 'cancelled' }> | undefined
  #remembers = false

  constructor(lane: LaneQueue, job: JobJson, token: string, message: TaskMessage, now: number) {
    this.lane = lane
    this.job = job
    this.token = token
    this.message = message
    this.renewedAt = now
  }

  /** Whether another delivery of the same job came because the lock of this one ran out, while nothing was decided. */
  lostTo(other: HeldJob): boolean {
    return other.job.stalledCounter > this.job.stalledCounter && other.job.attemptsMade === this.job.attemptsMade
  }

  /** Goes on under the lock of another delivery of the same job. */
  adopt(other: HeldJob): void {
    this.job = other.job
    this.token = other.token
    this.renewedAt = other.renewedAt
  }

  get suspect(): boolean {
    return this.job.stalledCounter > 0
  }

  get attempt(): number {
    return this.job.attemptsMade + 1
  }

  /** Where what the task remembers across its attempts is kept. Asking for it says that there may be something. */
  openMemo(): string {
    this.#remembers = true
    return this.lane.key(`${this.job.id}:memo`)
  }

  /** The key of what the task remembered, when it may have remembered something. */
  get memoKey(): string | undefined {
    return this.#remembers ? this.lane.key(`${this.job.id}:memo`) : undefined
  }

  /** Makes an outcome durable; with `fetchNext` the answer brings the lane's next job, under the same token. */
  async store(outcome: Outcome, keeping: Keeping, fetchNext: boolean, now: number): Promise<Taken> {
    const backend = await this.lane.backend()
    const { token } = this
    const { id } = this.job
    switch (outcome.kind) {
      case 'completed': {
        const job = { id, opts: this.job.opts } as unknown as MinimalJob
        const keep = this.message.keepResultMs === 0 ? { count: 0 } : keepFor(keeping.resultMs, keeping.most)
        const args = backend.moveToCompletedArgs(job, outcome.result ?? '', keep, token, fetchNext)
        return takenOf(await backend.moveToFinished(id, args), token)
      }
      case 'dead':
      case 'cancelled':
        return this.#fail(outcome, keeping, fetchNext)
      case 'released':
        await backend.moveJobFromActiveToWait(id, token)
        return { job: undefined, nextAt: 0 }
      default: {
        const fields: Record<string, string> = outcome.kind === 'retry' ? failureFields(outcome.failure) : {}
        if (this.suspect) Object.assign(fields, { stc: '0', [SOLO_FIELD]: '0' })
        if (outcome.kind === 'later' && outcome.parkedAt !== undefined) {
          fields.data = withParkedAt(this.message, outcome.parkedAt)
        }
        const delay = Math.round(outcome.delayMs)
        const options = {
          skipAttempt: outcome.kind === 'later',
          fetchNext,
          ...(Object.keys(fields).length > 0 ? { fieldsToUpdate: fields } : {}),
        }
        return takenOf(await backend.moveToDelayed(id, now, delay, token, options), token)
      }
    }
  }

  async #fail(
    outcome: Extract<Outcome, { kind: 'dead' | 'cancelled' }>,
    keeping: Keeping,
    fetchNext: boolean,
  ): Promise<Taken> {
    const backend = await this.lane.backend()
    const { token } = this
    const job = { id: this.job.id, opts: this.job.opts } as unknown as MinimalJob
    if (outcome.kind === 'cancelled') {
      const answer = await backend.moveToFailed(job, 'cancelled', { count: 0 }, token, fetchNext)
      return takenOf(answer.result, token)
    }
    const { reason, failure } = outcome
    const attempt = spendsAttempt(outcome) ? this.attempt : this.job.attemptsMade
    const fields = { ...failureFields(failure), [DEAD_FIELD]: JSON.stringify({ reason, failure, attempt }) }
    const text = `${reason}: ${failure.name}: ${failure.message}`
    const keep = keepFor(keeping.deadMs, keeping.most)
    const answer = await backend.moveToFailed(job, text, keep, token, fetchNext, fields)
    return takenOf(answer.result, token)
  }
}

/** Whether an error says that a job is no longer ours: its lock ran out, or another worker has it, or it is gone. */
export function isLost(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return code === -1 || code === -2 || code === -3 || code === -6
}

/** The reason, failure and attempts of a dead job; for one that another program failed, what can be told of it. */
export function readDead(fields: ReadonlyMap<string, string>): {
  readonly reason: 'attempts'
  readonly failure: { readonly name: string; readonly message: string }
  readonly attempt: number
} {
  const own = fields.get(DEAD_FIELD)
  if (own !== undefined) return JSON.parse(own)
  const message = fields.get('failedReason') ?? 'unknown'
  return { reason: 'attempts', failure: { name: 'Error', message }, attempt: Number(fields.get('atm') ?? 0) }
}

function failureFields(failure: ReturnType<typeof describeFailure>): Record<string, string> {
  return {
    failedReason: `${failure.name}: ${failure.message}`,
    stacktrace: JSON.stringify([failure.stack ?? `${failure.name}: ${failure.message}`]),
  }
}

function keepFor(ageMs: number, most: number): { age: number; count: number } {
  return { age: Math.max(1, Math.ceil(ageMs / 1000)), count: most }
}
