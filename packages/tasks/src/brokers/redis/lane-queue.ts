import { MissingDependencyError } from '@plinth/core'
import type { RedisConnection } from '@plinth/core/redis'
import type { JobJson, QueueBaseOptions, RedisQueueBackend } from 'bullmq'
import type { Lane } from '../../lane.js'

/** What every lane of a broker shares. Times in milliseconds. */
export interface LaneHost {
  readonly connection: RedisConnection
  /** The prefix of every key: on a Cluster one hash tag, so that all keys of the broker live together. */
  readonly prefix: string
  /** How long a worker's lock on a job lasts unless it is renewed. */
  readonly lockMs: number
  /** How often it is looked whether a lock has run out. */
  readonly stalledMs: number
}

/** A job that was handed out, and the token that locks it; or the time at which the next one is due (0: none is known). */
export type Taken =
  | { readonly job: JobJson; readonly token: string }
  | { readonly job: undefined; readonly nextAt: number }

type Bullmq = typeof import('bullmq')

let bullmq: Promise<Bullmq> | undefined

/** Loads BullMQ when it is first needed, so that importing this package does not. */
function loadBullmq(): Promise<Bullmq> {
  bullmq ??= import('bullmq').catch((error: unknown) => {
    bullmq = undefined
    throw new MissingDependencyError('The Redis broker', ['bullmq', 'ioredis'], error)
  })
  return bullmq
}

/**
 * One lane of one queue: a BullMQ queue of its own, named after both, which any BullMQ tool can read.
 *
 * Jobs are stored, handed out and settled by BullMQ's own scripts.
 */
export class LaneQueue {
  readonly queue: string
  readonly lane: Lane
  /** The name of the BullMQ queue: `mail`, `mail-high`, `mail-low`. */
  readonly name: string
  readonly #host: LaneHost
  #backend: Promise<RedisQueueBackend> | undefined
  #ready: RedisQueueBackend | undefined

  constructor(host: LaneHost, queue: string, lane: Lane) {
    this.#host = host
    this.queue = queue
    this.lane = lane
    this.name = laneName(queue, lane)
  }

  /** BullMQ's scripts for this queue, when they are loaded already. */
  get loaded(): RedisQueueBackend | undefined {
    return this.#ready
  }

  /** BullMQ's scripts for this queue, loaded on first use. Rejects while the connection is away, and can be asked again. */
  backend(): Promise<RedisQueueBackend> {
    this.#backend ??= this.#load().catch((error: unknown) => {
      this.#backend = undefined
      throw error
    })
    return this.#backend
  }

  /** The full name of one of the queue's keys, such as `key('marker')`, or of a job. */
  key(type: string): string {
    return `${this.#host.prefix}:${this.name}:${type}`
  }

  /** Hands out the next job, locked with `token`. */
  async take(token: string): Promise<Taken> {
    const backend = await this.backend()
    return takenOf(await backend.moveToActive(token), token)
  }

  close(): void {
    void this.#ready?.close().catch(() => {}) // it only takes its listeners off: the connection is not its own
    this.#ready = undefined
    this.#backend = undefined
  }

  async #load(): Promise<RedisQueueBackend> {
    const { createRedisBackend } = await loadBullmq()
    const { connection, prefix, lockMs, stalledMs } = this.#host
    const options = {
      connection: connection.client as unknown as QueueBaseOptions['connection'],
      prefix,
      skipVersionCheck: true,
      lockDuration: lockMs,
      // How long after one look nobody else looks. Half the time, or a timer that fires a moment early would look only
      // every other time.
      stalledInterval: Math.ceil(stalledMs / 2),
      // Who is to blame for a crash is decided here, by running suspects alone; BullMQ would blame everybody.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    }
    const backend = createRedisBackend(this.name, options)
    backend.on('error', () => {}) // the connection tells of outages
    try {
      await backend.waitUntilReady()
    } catch (error) {
      await backend.close().catch(() => {})
      throw error
    }
    this.#ready = backend
    return backend
  }
}

/** The name of the BullMQ queue behind a lane. */
export function laneName(queue: string, lane: Lane): string {
  return lane === 'normal' ? queue : `${queue}-${lane}`
}

/** Reads what BullMQ answers when it hands out a job, locked with `token`: the job, its id, and two times. */
export function takenOf(answer: unknown, token: string): Taken {
  if (!Array.isArray(answer)) return { job: undefined, nextAt: 0 }
  const [job, id, , nextAt] = answer as [JobJson | null, string, number, number]
  return job === null || job === undefined
    ? { job: undefined, nextAt: Number(nextAt) || 0 }
    : { job: { ...job, id: job.id ?? id }, token }
}
