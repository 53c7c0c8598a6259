import type { RecordState, TaskRecord } from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import { LANES } from '../../lane.js'
import type { Settled } from '../../outcome.js'
import { decodeJob, type StoredJob } from './bull-codec.js'
import { readDead } from './held-job.js'

/** A job's hash, and where it stands. */
export interface ReadJob {
  readonly id: string
  readonly queue: string
  /** Index into {@link LANES}. */
  readonly lane: number
  readonly state: RecordState
  readonly fields: ReadonlyMap<string, string>
}

/** Makes fields and values that follow each other into a map. */
export function fieldsOf(flat: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (let index = 0; index + 1 < flat.length; index += 2) fields.set(flat[index] ?? '', flat[index + 1] ?? '')
  return fields
}

/** What is known about a job, for whoever asks. */
export function recordOf(read: ReadJob): TaskRecord {
  const { id, queue, state, fields } = read
  const progress = fields.get('progress')
  const settled = settledOf(read)
  const enqueuedAt = Number(fields.get('timestamp') ?? 0)
  return {
    id,
    queue,
    task: fields.get('name') ?? '',
    lane: LANES[read.lane] ?? 'normal',
    state,
    attempt: Number(fields.get('atm') ?? 0) + (state === 'running' ? 1 : 0),
    enqueuedAt,
    ...(state === 'delayed' ? { dueAt: enqueuedAt + Number(fields.get('delay') ?? 0) } : {}),
    ...(progress === undefined ? {} : { progress: JSON.parse(progress) as unknown }),
    ...(settled === undefined ? {} : { settled }),
  }
}

/** The dead letter of a failed job. */
export function deadLetterOf(read: ReadJob): DeadLetter {
  const { id, queue, fields } = read
  const message = decodeJob(storedJob(id, fields), queue, 'normal')
  return {
    id,
    queue,
    task: fields.get('name') ?? '',
    lane: LANES[read.lane] ?? 'normal',
    ...readDead(fields),
    input: message?.input,
    enqueuedAt: Number(fields.get('timestamp') ?? 0),
    deadAt: Number(fields.get('finishedOn') ?? 0),
  }
}

function settledOf({ state, fields }: ReadJob): Settled | undefined {
  if (state === 'completed') {
    const result = fields.get('returnvalue') ?? ''
    return { status: 'completed', result: result === '' ? undefined : (JSON.parse(result) as unknown) }
  }
  if (state !== 'dead') return undefined
  const { reason, failure } = readDead(fields)
  return { status: 'dead', reason, failure }
}

function storedJob(id: string, fields: ReadonlyMap<string, string>): StoredJob {
  return { id, name: fields.get('name') ?? '', data: fields.get('data') ?? '{}', opts: {}, timestamp: 0 }
}
