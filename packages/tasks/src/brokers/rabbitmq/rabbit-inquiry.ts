import { BackendUnavailableError, type CallOptions, withDeadline } from '@plinth/core'
import type { DeadQuery, ListQuery, QueueCounts, TaskRecord } from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import { LANES } from '../../lane.js'
import type { TaskRef } from '../../message.js'
import type { Settled } from '../../outcome.js'
import { CapabilityError } from '../../task-errors.js'
import type { DeadEntry } from './ledger-entry.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import type { RabbitLink } from './rabbit-link.js'
import { laneQueue, type RabbitQueues, suspectsQueue } from './rabbit-queues.js'
import type { RabbitView, RunningEntry } from './rabbit-view.js'
import type { RollCall } from './roll-call.js'

/** What an inquiry needs of its broker. */
export interface RabbitInquiryHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly ledger: RabbitLedger
  readonly view: RabbitView
  readonly roll: RollCall
}

/** Answers what is asked about tasks: the ledger tells which have ended, workers which they run, RabbitMQ how many wait. */
export class RabbitInquiry {
  readonly #host: RabbitInquiryHost

  constructor(host: RabbitInquiryHost) {
    this.#host = host
  }

  async inspect(ref: TaskRef, options: CallOptions): Promise<TaskRecord | undefined> {
    const { ledger, view } = this.#host
    await ledger.sync(options)
    const ended = (): TaskRecord | undefined => {
      const known = view.ended(ref.id)
      return known === undefined ? undefined : endedRecord(ref, known, view.dead(ref.id))
    }
    const known = ended()
    if (known !== undefined) return known
    const running = await this.#ask(ref)
    // Who ran it may have ended it when the question came.
    if (running === undefined) return ended() ?? this.#notStarted(ref)
    const { task, attempt, progress } = running
    return {
      ...ref,
      task,
      attempt,
      lane: 'normal',
      state: 'running',
      enqueuedAt: 0,
      ...(progress === undefined ? {} : { progress: JSON.parse(progress) as unknown }),
    }
  }

  async settled(ref: TaskRef, signal: AbortSignal): Promise<Settled | undefined> {
    const { ledger, view } = this.#host
    const end = new Promise<Settled>((resolve) => {
      const off = view.onEntry((entry) => {
        if (entry.t === 'end' && entry.id === ref.id) {
          off()
          resolve(entry.settled)
        } else if (entry.t === 'cancel' && entry.id === ref.id)
          void this.#unlessRunning(ref).then((stopped) => stopped && resolve(stopped))
      })
      signal.addEventListener('abort', off, { once: true })
    })
    signal.throwIfAborted()
    await ledger.sync({ signal }).catch((error: unknown) => {
      signal.throwIfAborted()
      if (!(error instanceof BackendUnavailableError)) throw error // an outage: its end is read afterwards
    })
    const known = view.ended(ref.id) ?? (view.cancelled.has(ref.id) ? await this.#unlessRunning(ref) : undefined)
    if (known !== undefined) return known
    return withDeadline(end, { signal, onDeadline: () => new Error('unreachable: there is no deadline') })
  }

  async deadLetters({ queue, offset, limit }: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]> {
    const { ledger, view } = this.#host
    await ledger.sync(options)
    return view
      .deadOf(queue)
      .slice(offset, offset + limit)
      .map(({ letter }) => letter)
  }

  async counts(queue: string, options: CallOptions): Promise<QueueCounts> {
    const { link, queues, view } = this.#host
    const session = await link.use(options)
    await queues.queue(session, queue)
    let waiting = 0
    for (const name of [...LANES.map((lane) => laneQueue(queue, lane)), suspectsQueue(queue)]) {
      waiting += (await session.scratch((channel) => channel.checkQueue(name))).messageCount
    }
    return { waiting, dead: view.deadOf(queue).length }
  }

  async list({ queue, state, offset, limit }: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]> {
    if (state !== 'dead') {
      throw new CapabilityError(
        `RabbitMQ cannot list tasks that are ${state}, only dead ones. Its management page shows its queues.`,
      )
    }
    const letters = await this.deadLetters({ queue, offset, limit }, options)
    return letters.map(({ id, reason, failure }) =>
      endedRecord({ id, queue }, { status: 'dead', reason, failure }, this.#host.view.dead(id)),
    )
  }

  /** What is known of a task that nobody runs: that it was cancelled, or that it waits if its enqueue named a key or an id. */
  #notStarted(ref: TaskRef): TaskRecord | undefined {
    const { cancelled, claims } = this.#host.view
    if (cancelled.has(ref.id)) {
      return endedRecord(ref, { status: 'cancelled', reason: cancelled.get(ref.id) }, undefined)
    }
    if (!claims.isStored(ref.id)) return undefined
    return { ...ref, task: '', lane: 'normal', state: 'waiting', attempt: 0, enqueuedAt: 0 }
  }

  /** How a task ended that was to be cancelled; `undefined` when it runs, and so has not ended. */
  async #unlessRunning(ref: TaskRef): Promise<Settled | undefined> {
    if ((await this.#ask(ref)) !== undefined) return undefined
    const { view } = this.#host
    return view.ended(ref.id) ?? { status: 'cancelled', reason: view.cancelled.get(ref.id) }
  }

  /** Asks who runs a task; `undefined` when nobody does. */
  #ask(ref: TaskRef): Promise<RunningEntry | undefined> {
    const { ledger, roll } = this.#host
    const { id, queue } = ref
    return roll.find(ref, () => ledger.append({ t: 'ask', id, queue }))
  }
}

function endedRecord(ref: TaskRef, settled: Settled, dead: DeadEntry | undefined): TaskRecord {
  return {
    ...ref,
    task: dead?.letter.task ?? '',
    lane: dead?.letter.lane ?? 'normal',
    state: settled.status,
    attempt: dead?.letter.attempt ?? 0,
    enqueuedAt: dead?.letter.enqueuedAt ?? 0,
    settled,
  }
}
