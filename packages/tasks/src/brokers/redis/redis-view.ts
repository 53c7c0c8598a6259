import type { CallOptions } from '@plinth/core'
import type { RedisClient } from '@plinth/core/redis'
import type { DeadQuery, ListQuery, QueueCounts, TaskRecord } from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import { LANES } from '../../lane.js'
import type { TaskRef } from '../../message.js'
import { CapabilityError } from '../../task-errors.js'
import { deadLetterOf, fieldsOf, type ReadJob, recordOf } from './bull-records.js'
import type { RedisLayout } from './redis-layout.js'
import { readJob } from './task-scripts.js'

/** What a view needs of its broker. */
export interface RedisViewHost {
  readonly layout: RedisLayout
  run<Result>(command: (client: RedisClient) => Promise<Result>, options: CallOptions): Promise<Result>
}

interface Found {
  readonly id: string
  /** Index into {@link LANES}. */
  readonly lane: number
}

/** Looks at jobs without touching them: one of them, pages of them, how many there are. */
export class RedisView {
  readonly #host: RedisViewHost

  constructor(host: RedisViewHost) {
    this.#host = host
  }

  async inspect({ id, queue }: TaskRef, options: CallOptions): Promise<TaskRecord | undefined> {
    const { run, layout } = this.#host
    const args = [...layout.laneNames(queue), id]
    const answer = await run((client) => readJob.run(client, [layout.slot], args), options)
    if (!Array.isArray(answer)) return undefined
    const [lane, state, ...rest] = answer as [number, ReadJob['state'], ...string[]]
    if (lane === 0) return cancelledRecord({ id, queue }, JSON.parse(rest[0] ?? 'null') as string | null)
    return recordOf({ id, queue, lane: lane - 1, state, fields: fieldsOf(rest) })
  }

  async deadLetters({ queue, offset, limit }: DeadQuery, options: CallOptions): Promise<readonly DeadLetter[]> {
    const found = await this.#byTime(queue, 'failed', offset, limit, options)
    const letters = await this.#read(queue, 'dead', found, options)
    return letters.map(deadLetterOf)
  }

  async counts(queue: string, options: CallOptions): Promise<QueueCounts> {
    const counts = { waiting: 0, delayed: 0, running: 0, completed: 0, dead: 0 }
    for (const lane of LANES) {
      const one = this.#host.layout.lane(queue, lane)
      const [wait, paused, prioritized, delayed, active, completed, failed] = await this.#host.run(
        (client) =>
          Promise.all([
            client.llen(one.key('wait')),
            client.llen(one.key('paused')),
            client.zcard(one.key('prioritized')),
            client.zcard(one.key('delayed')),
            client.llen(one.key('active')),
            client.zcard(one.key('completed')),
            client.zcard(one.key('failed')),
          ]),
        options,
      )
      counts.waiting += wait + paused + prioritized
      counts.delayed += delayed
      counts.running += active
      counts.completed += completed
      counts.dead += failed
    }
    return counts
  }

  async list({ queue, state, offset, limit }: ListQuery, options: CallOptions): Promise<readonly TaskRecord[]> {
    if (state === 'cancelled') {
      throw new CapabilityError(
        'Redis cannot list tasks that were cancelled: only their ids are remembered. Inspect one by its id.',
      )
    }
    const found =
      state === 'completed' || state === 'dead' || state === 'delayed'
        ? await this.#byTime(queue, state === 'dead' ? 'failed' : state, offset, limit, options)
        : await this.#inOrder(queue, state === 'running' ? 'active' : 'wait', offset, limit, options)
    return (await this.#read(queue, state, found, options)).map(recordOf)
  }

  /** Ids in a sorted set of all lanes, by their time. */
  async #byTime(queue: string, set: string, offset: number, limit: number, options: CallOptions): Promise<Found[]> {
    const found: (Found & { readonly at: number })[] = []
    for (const [index, lane] of LANES.entries()) {
      const key = this.#host.layout.lane(queue, lane).key(set)
      const last = String(offset + limit - 1)
      const flat = await this.#host.run((client) => client.zrange(key, '0', last, 'WITHSCORES'), options)
      for (let at = 0; at + 1 < flat.length; at += 2) {
        found.push({ id: flat[at] ?? '', lane: index, at: Number(flat[at + 1]) })
      }
    }
    return found.sort((a, b) => a.at - b.at).slice(offset, offset + limit)
  }

  /** Ids in a list of all lanes, first to be started first. */
  async #inOrder(queue: string, list: string, offset: number, limit: number, options: CallOptions): Promise<Found[]> {
    const found: Found[] = []
    for (const [index, lane] of LANES.entries()) {
      const key = this.#host.layout.lane(queue, lane).key(list)
      const ids = await this.#host.run((client) => client.lrange(key, -(offset + limit), -1), options)
      for (const id of ids.toReversed()) found.push({ id, lane: index })
    }
    return found.slice(offset, offset + limit)
  }

  async #read(
    queue: string,
    state: ReadJob['state'],
    found: readonly Found[],
    options: CallOptions,
  ): Promise<ReadJob[]> {
    const keys = found.map(({ id, lane }) => this.#host.layout.lane(queue, LANES[lane] ?? 'normal').key(id))
    const hashes = await this.#host.run((client) => Promise.all(keys.map((key) => client.hgetall(key))), options)
    return found.flatMap(({ id, lane }, index) => {
      const fields = new Map(Object.entries(hashes[index] ?? {}))
      return fields.size === 0 ? [] : [{ id, queue, lane, state, fields }]
    })
  }
}

function cancelledRecord({ id, queue }: TaskRef, reason: string | null): TaskRecord {
  return {
    id,
    queue,
    task: '',
    lane: 'normal',
    state: 'cancelled',
    attempt: 0,
    enqueuedAt: 0,
    settled: { status: 'cancelled', reason: reason ?? undefined },
  }
}
