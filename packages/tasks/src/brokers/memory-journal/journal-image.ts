import type { TaskMessage } from '../../message.js'
import type { KeyWindow } from '../memory/memory-dedupe.js'
import { entryOf, type JournalRecord, type TaskState } from './journal-record.js'
import type { Journaled } from './journal-scribe.js'

interface TaskImage {
  readonly message: TaskMessage
  readonly input: string
  state: TaskState
}

/** What a journal says, once it has been read from its beginning. */
export class JournalImage {
  readonly #tasks = new Map<string, TaskImage>()
  readonly #keys = new Map<string, KeyWindow>()
  readonly #paused = new Map<string, boolean>()
  readonly #board = new Map<string, string | null>()
  readonly #offices = new Map<string, string>()

  /** Takes in the next record. Answers false for one that it does not understand, or that cannot follow what came before. */
  apply(record: JournalRecord): boolean {
    switch (record[0]) {
      case 'task': {
        const [, message, state, input] = record
        this.#tasks.set(message.id, { message, input: record.length > 3 ? JSON.stringify(input) : '', state })
        return true
      }
      case 'state': {
        const task = this.#tasks.get(record[1])
        if (task !== undefined) task.state = record[2]
        return task !== undefined
      }
      case 'gone':
        return this.#tasks.delete(record[1])
      case 'key':
        this.#keys.set(record[1], { id: record[2], until: record[3] })
        return true
      case 'queue':
        this.#paused.set(record[1], record[2])
        return true
      case 'board':
        this.#board.set(record[1], record[2])
        return true
      case 'office':
        this.#offices.set(record[1], record[2])
        return true
      default:
        return false
    }
  }

  /** Brings an empty broker to where the last process left it; what was running then is a suspect. */
  restore({ hub, elections }: Journaled): void {
    for (const [scope, window] of this.#keys) hub.dedupe.windows.set(scope, window)
    for (const [name, paused] of this.#paused) if (paused) hub.queues.setPaused(name, true)
    for (const [key, value] of this.#board) if (value !== null) hub.board.set(key, value)
    for (const [name, state] of this.#offices) elections.states.set(name, state)
    const tasks = [...this.#tasks.values()].map(({ message, input, state }) => ({
      entry: entryOf(message, input, state),
      holds: state.holds === true,
    }))
    const ended = tasks.filter(({ entry }) => entry.ended !== undefined)
    ended.sort((a, b) => (a.entry.ended?.at ?? 0) - (b.entry.ended?.at ?? 0))
    for (const { entry } of ended) hub.restore(entry)
    for (const { entry, holds } of tasks) {
      if (entry.ended !== undefined) continue
      if (holds) hub.dedupe.hold(entry.message)
      hub.restore(entry)
    }
  }
}
