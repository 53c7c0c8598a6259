import type { ConsumeOptions, RecordState, TaskRecord } from '../../broker.js'
import type { DeadLetter } from '../../dead-letter.js'
import type { TaskMessage } from '../../message.js'
import type { Settled } from '../../outcome.js'

/** One task in memory. Input, result and progress are JSON text, as on every other broker. */
export interface MemoryEntry {
  message: TaskMessage
  input: string
  state: RecordState
  /** Attempts that count so far. */
  attempt: number
  dueAt: number
  /** A process died with it in hand. */
  suspect: boolean
  /** Starts alone that have not come to an end. */
  soloStarts: number
  holder: Holder | undefined
  progress: string | undefined
  memo: Map<string, string> | undefined
  ended: Ended | undefined
}

/** The consumer that runs a task. */
export interface Holder {
  readonly options: ConsumeOptions
}

/** How and when a task ended. */
export interface Ended {
  readonly at: number
  /** JSON text of the result. */
  readonly result: string | undefined
  readonly settled: Settled
}

/** A task that nobody has tried yet. */
export function newEntry(message: TaskMessage, input: string): MemoryEntry {
  return {
    message,
    input,
    state: 'waiting',
    attempt: 0,
    dueAt: 0,
    suspect: false,
    soloStarts: 0,
    holder: undefined,
    progress: undefined,
    memo: undefined,
    ended: undefined,
  }
}

/** What is known about an entry, for whoever asks. */
export function recordOf(entry: MemoryEntry): TaskRecord {
  const { message, state, ended, progress } = entry
  return {
    id: message.id,
    queue: message.queue,
    task: message.task,
    lane: message.lane,
    state,
    attempt: state === 'running' ? entry.attempt + 1 : entry.attempt,
    enqueuedAt: message.enqueuedAt,
    ...(state === 'delayed' ? { dueAt: entry.dueAt } : {}),
    ...(progress === undefined ? {} : { progress: JSON.parse(progress) as unknown }),
    ...(ended === undefined ? {} : { settled: settledOf(ended) }),
  }
}

/** How an entry ended, with its result read from JSON anew: callers never share a value. */
export function settledOf({ settled, result }: Ended): Settled {
  if (settled.status !== 'completed' || result === undefined) return settled
  return { status: 'completed', result: JSON.parse(result) as unknown }
}

/** The dead letter of a dead entry; `undefined` for any other. */
export function deadLetterOf({ message, input, attempt, ended }: MemoryEntry): DeadLetter | undefined {
  if (ended?.settled.status !== 'dead') return undefined
  return {
    id: message.id,
    queue: message.queue,
    task: message.task,
    lane: message.lane,
    reason: ended.settled.reason,
    failure: ended.settled.failure,
    attempt,
    input: input === '' ? undefined : (JSON.parse(input) as unknown),
    enqueuedAt: message.enqueuedAt,
    deadAt: ended.at,
  }
}
