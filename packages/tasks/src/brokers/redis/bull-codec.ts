import type { JobJson } from 'bullmq'
import { encodeInput } from '../../encode-input.js'
import type { Lane } from '../../lane.js'
import { afresh, type Dedupe, type TaskMessage } from '../../message.js'

/**
 * What a job's data hold beside the input, under `plinth`. Dashboards show it; a job that another program added has none.
 */
interface Extras {
  readonly version?: number
  readonly keep?: readonly [resultMs: number, deadMs: number]
  readonly dueAt?: number
  readonly expiresAt?: number
  readonly parent?: string
  readonly root?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly dedupe?: Dedupe
  readonly parkedAt?: number
}

/** Keeps that need no mention in a message: an hour for results, 14 days for dead letters. */
const USUAL_KEEP = [3_600_000, 1_209_600_000] as const

/** Writes the data of a job: `{"input":...,"plinth":{...}}`. Throws as `encodeInput` does. */
export function encodeData(message: TaskMessage, largestBytes: number): string {
  const input = encodeInput(message, largestBytes)
  return joinData(input, extrasOf(message))
}

/** Writes the job of a message, as BullMQ stores one. */
export function encodeJob(message: TaskMessage, data: string): JobJson {
  const { id, task, enqueuedAt, dueAt, attempts } = message
  const delay = dueAt === undefined ? 0 : Math.max(0, dueAt - enqueuedAt)
  return {
    id,
    name: task,
    data,
    opts: delay > 0 ? { attempts, delay } : { attempts },
    timestamp: enqueuedAt,
    progress: 0,
    attemptsMade: 0,
    attemptsStarted: 0,
    stalledCounter: 0,
    failedReason: '',
    returnvalue: '',
  }
}

/** What of a stored job a message is made of. */
export type StoredJob = Pick<JobJson, 'id' | 'name' | 'data' | 'opts' | 'timestamp'>

/** Reads a stored job; `undefined` when its data are not JSON. Data of another program are the input as a whole. */
export function decodeJob(job: StoredJob, queue: string, lane: Lane): TaskMessage | undefined {
  let data: unknown
  try {
    data = JSON.parse(job.data)
  } catch {
    return undefined
  }
  const own = isOurs(data) ? data : undefined
  const { version = 1, keep = USUAL_KEEP, ...rest }: Extras = own?.plinth ?? {}
  return {
    id: job.id,
    queue,
    lane,
    task: job.name,
    version,
    input: own === undefined ? data : own.input,
    attempts: job.opts.attempts ?? 1,
    enqueuedAt: job.timestamp,
    keepResultMs: keep[0],
    keepDeadMs: keep[1],
    ...rest,
  }
}

/** The data of a job that is put aside: the same, with the time at which that began. */
export function withParkedAt(message: TaskMessage, parkedAt: number): string {
  const input = message.input === undefined ? '' : JSON.stringify(message.input)
  return joinData(input, { ...extrasOf(message), parkedAt })
}

/** The data of a dead job that is put back: without the times that it was enqueued with; `undefined` when it has none. */
export function withoutTimes(job: StoredJob): string | undefined {
  const message = decodeJob(job, '', 'normal')
  if (message?.dueAt === undefined && message?.expiresAt === undefined && message?.parkedAt === undefined)
    return undefined
  return joinData(message.input === undefined ? '' : JSON.stringify(message.input), extrasOf(afresh(message)))
}

function isOurs(data: unknown): data is { readonly input?: unknown; readonly plinth: Extras } {
  return (
    typeof data === 'object' &&
    data !== null &&
    'plinth' in data &&
    typeof data.plinth === 'object' &&
    data.plinth !== null
  )
}

function joinData(input: string, extras: Extras): string {
  return input === '' ? `{"plinth":${JSON.stringify(extras)}}` : `{"input":${input},"plinth":${JSON.stringify(extras)}}`
}

function extrasOf(message: TaskMessage): Extras {
  const { version, keepResultMs, keepDeadMs, dueAt, expiresAt, parent, root, headers, dedupe, parkedAt } = message
  const extras: { -readonly [Key in keyof Extras]: Extras[Key] } = {}
  if (version !== 1) extras.version = version
  if (keepResultMs !== USUAL_KEEP[0] || keepDeadMs !== USUAL_KEEP[1]) extras.keep = [keepResultMs, keepDeadMs]
  if (dueAt !== undefined) extras.dueAt = dueAt
  if (expiresAt !== undefined) extras.expiresAt = expiresAt
  if (parent !== undefined) extras.parent = parent
  if (root !== undefined) extras.root = root
  if (headers !== undefined) extras.headers = headers
  if (dedupe !== undefined) extras.dedupe = dedupe
  if (parkedAt !== undefined) extras.parkedAt = parkedAt
  return extras
}
