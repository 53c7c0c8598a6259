import type { RecordState } from '../../broker.js'
import type { TaskMessage } from '../../message.js'
import type { Ended, MemoryEntry } from '../memory/memory-entry.js'

/** The first record of every journal: what it is, and the version of all that follows. */
export const HEADER = '["plinth-tasks-journal",1]'

/** What changes in the life of a task. */
export interface TaskState {
  readonly state: RecordState
  readonly attempt?: number
  readonly dueAt?: number
  readonly suspect?: true
  readonly soloStarts?: number
  /** Whether it holds its unique or debounce key. */
  readonly holds?: true
  readonly progress?: string
  readonly memo?: readonly (readonly [string, string])[]
  readonly ended?: Ended
}

/** One record. Of several about the same thing the last is true. */
export type JournalRecord =
  | readonly ['plinth-tasks-journal', number]
  /** A task whole; the input is absent when it is `undefined`. */
  | readonly ['task', TaskMessage, TaskState, unknown?]
  | readonly ['state', string, TaskState]
  | readonly ['gone', string]
  | readonly ['key', string, string, number]
  | readonly ['queue', string, boolean]
  | readonly ['board', string, string | null]
  | readonly ['office', string, string]

/** What changes in the life of a task, as it stands now. */
export function stateOf(entry: MemoryEntry, holds: boolean): TaskState {
  const { state, attempt, dueAt, suspect, soloStarts, progress, memo, ended } = entry
  return {
    state,
    ...(attempt > 0 ? { attempt } : {}),
    ...(state === 'delayed' ? { dueAt } : {}),
    ...(suspect ? { suspect } : {}),
    ...(soloStarts > 0 ? { soloStarts } : {}),
    ...(holds ? { holds } : {}),
    ...(progress === undefined ? {} : { progress }),
    ...(memo === undefined ? {} : { memo: [...memo] }),
    ...(ended === undefined ? {} : { ended }),
  }
}

/** A task as it stood when it was written. */
export function entryOf(message: TaskMessage, input: string, state: TaskState): MemoryEntry {
  return {
    message: { ...message, input: undefined },
    input,
    state: state.state,
    attempt: state.attempt ?? 0,
    dueAt: state.dueAt ?? 0,
    suspect: state.suspect ?? false,
    soloStarts: state.soloStarts ?? 0,
    holder: undefined,
    progress: state.progress,
    memo: state.memo === undefined ? undefined : new Map(state.memo),
    ended: state.ended === undefined ? undefined : { ...state.ended, result: state.ended.result },
  }
}
