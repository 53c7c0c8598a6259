import { BackendUnavailableError, type CallOptions } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { JobJson } from 'bullmq'
import type { EnqueueAnswer } from '../../broker.js'
import { enqueueFailure } from '../../enqueue-failure.js'
import { LANES } from '../../lane.js'
import type { TaskMessage } from '../../message.js'
import { InFlight } from '../in-flight.js'
import { encodeData, encodeJob } from './bull-codec.js'
import { CANCELLED_MS } from './cancel-mark.js'
import type { LaneQueue } from './lane-queue.js'
import type { RedisLayout } from './redis-layout.js'
import { storeKeyed } from './task-scripts.js'

/** What a producer needs of its broker. */
export interface RedisProducerHost {
  readonly connection: RedisConnection
  readonly layout: RedisLayout
  readonly maxInFlight: number
  readonly maxPayloadBytes: number
}

/** So many messages go in one pipeline. */
const PIPELINE = 500
/** How long the key of a unique task is kept at most; its task rarely lives longer, and the key is dropped when it ends. */
const UNIQUE_MS = 90 * 24 * 3_600_000

interface Ready {
  readonly message: TaskMessage
  readonly data: string
}

/** Stores messages as jobs: plain ones by BullMQ's own script, those with keys by one of ours. */
export class RedisProducer {
  readonly #host: RedisProducerHost
  readonly #inFlight: InFlight

  constructor(host: RedisProducerHost) {
    this.#host = host
    this.#inFlight = new InFlight(host.maxInFlight)
  }

  async enqueue(messages: readonly TaskMessage[], call: CallOptions): Promise<readonly EnqueueAnswer[]> {
    const [only] = messages
    if (messages.length === 1 && only !== undefined) return [await this.#one(only, call)]
    const answers = new Array<EnqueueAnswer>(messages.length)
    const plain = new Map<LaneQueue, number[]>()
    const alone: Promise<void>[] = []
    for (const [index, message] of messages.entries()) {
      if (message.dedupe !== undefined) {
        alone.push(this.#oneOf(message, index, answers, call))
        continue
      }
      const lane = this.#host.layout.lane(message.queue, message.lane)
      const indexes = plain.get(lane)
      if (indexes === undefined) plain.set(lane, [index])
      else indexes.push(index)
    }
    for (const [lane, indexes] of plain) {
      for (let from = 0; from < indexes.length; from += PIPELINE) {
        await this.#many(lane, messages, indexes.slice(from, from + PIPELINE), answers, call)
      }
    }
    await Promise.all(alone)
    return answers
  }

  async #oneOf(message: TaskMessage, index: number, answers: EnqueueAnswer[], call: CallOptions): Promise<void> {
    answers[index] = await this.#one(message, call)
  }

  async #one(message: TaskMessage, call: CallOptions): Promise<EnqueueAnswer> {
    let data: string
    try {
      data = encodeData(message, this.#host.maxPayloadBytes)
    } catch (error) {
      return refused(error)
    }
    if (!this.#inFlight.tryTake(1)) {
      try {
        await this.#inFlight.take(1, call)
      } catch (error) {
        return refused(error)
      }
    }
    let sent = false
    try {
      const id = await this.#host.connection.run((client) => {
        sent = true
        return message.dedupe === undefined ? this.#add(message, data) : this.#addKeyed(client, { message, data })
      }, call)
      return id === message.id ? { status: 'accepted', id } : { status: 'duplicate', id: id.replace(/^=/, '') }
    } catch (error) {
      return sent ? unsure(error) : refused(error)
    } finally {
      this.#inFlight.give(1)
    }
  }

  #add(message: TaskMessage, data: string): Promise<string> {
    const lane = this.#host.layout.lane(message.queue, message.lane)
    const job = encodeJob(message, data)
    if (lane.loaded !== undefined) return lane.loaded.addJob(job, message.id)
    return lane.backend().then((backend) => backend.addJob(job, message.id))
  }

  /** Answers the id under which the message is stored; a duplicate's begins with `=`, as no id does. */
  async #addKeyed(client: RedisConnection['client'], { message, data }: Ready): Promise<string> {
    const { idempotency, unique, debounce } = message.dedupe ?? {}
    const { layout } = this.#host
    const names = layout.laneNames(message.queue)
    const none = `${names[1]}:key`
    const keys = [
      idempotency === undefined ? none : layout.claimKey('i', message, idempotency.key),
      unique === undefined ? none : layout.claimKey('u', message, unique.key),
      debounce === undefined ? none : layout.claimKey('d', message, debounce.key),
    ]
    const job = encodeJob(message, data)
    const args = [
      ...names,
      LANES.indexOf(message.lane) + 1,
      message.id,
      message.task,
      data,
      JSON.stringify(job.opts),
      message.enqueuedAt,
      job.opts.delay ?? 0,
      idempotency?.windowMs ?? 0,
      unique?.while ?? '',
      debounce?.waitMs ?? 0,
      CANCELLED_MS,
      UNIQUE_MS,
    ]
    const [stored, id] = (await storeKeyed.run(client, keys, args)) as [number, string]
    return stored === 1 ? id : `=${id}`
  }

  async #many(
    lane: LaneQueue,
    messages: readonly TaskMessage[],
    indexes: readonly number[],
    answers: EnqueueAnswer[],
    call: CallOptions,
  ): Promise<void> {
    const entries: { readonly index: number; readonly job: JobJson; readonly jobId: string }[] = []
    for (const index of indexes) {
      const message = messages[index]
      if (message === undefined) continue
      try {
        const data = encodeData(message, this.#host.maxPayloadBytes)
        entries.push({ index, job: encodeJob(message, data), jobId: message.id })
      } catch (error) {
        answers[index] = refused(error)
      }
    }
    const answer = await this.#pipeline(lane, entries, call)
    for (const { index, jobId } of entries) answers[index] = answer ?? { status: 'accepted', id: jobId }
  }

  /** Stores all entries; answers what became of them when that is not "stored". */
  async #pipeline(
    lane: LaneQueue,
    entries: readonly { readonly job: JobJson; readonly jobId: string }[],
    call: CallOptions,
  ): Promise<EnqueueAnswer | undefined> {
    try {
      await this.#inFlight.take(entries.length, call)
    } catch (error) {
      return refused(error)
    }
    let sent = false
    try {
      await this.#host.connection.run(async () => {
        const backend = await lane.backend()
        sent = true
        return backend.addJobs([...entries])
      }, call)
      return undefined
    } catch (error) {
      return sent ? { status: 'unknown', error: enqueueFailure(error) } : refused(error)
    } finally {
      this.#inFlight.give(entries.length)
    }
  }
}

/** A server that said no has stored nothing; of one that said nothing, nothing is known. */
function unsure(error: unknown): EnqueueAnswer {
  if (error instanceof BackendUnavailableError && error.reason !== 'refused') return { status: 'unknown', error }
  return refused(error)
}

function refused(error: unknown): EnqueueAnswer {
  return { status: 'refused', error: enqueueFailure(error) }
}
