import type { TaskMessage } from '../../message.js'
import type { Change } from '../memory/change-log.js'
import type { MemoryElections } from '../memory/memory-elections.js'
import type { MemoryEntry } from '../memory/memory-entry.js'
import type { MemoryHub } from '../memory/memory-hub.js'
import { stateOf } from './journal-record.js'

/** What a journal keeps. */
export interface Journaled {
  readonly hub: MemoryHub
  readonly elections: MemoryElections
}

/** Writes records for one file, and knows which tasks stand in it: of those it writes only what has changed. */
export class JournalScribe {
  readonly #kept: Journaled
  readonly #known = new Map<string, TaskMessage>()

  constructor(kept: Journaled) {
    this.#kept = kept
  }

  /** The record that says how something stands now; `undefined` when there is nothing to say. */
  record(change: Change, name: string): string | undefined {
    const { hub, elections } = this.#kept
    switch (change) {
      case 'task':
        return this.#task(name, hub.entries.get(name))
      case 'key': {
        const window = hub.dedupe.windows.get(name)
        return window && JSON.stringify(['key', name, window.id, window.until])
      }
      case 'queue':
        return JSON.stringify(['queue', name, hub.queues.isPaused(name)])
      case 'board':
        return JSON.stringify(['board', name, hub.board.get(name) ?? null])
      case 'office':
        return JSON.stringify(['office', name, elections.states.get(name)])
    }
  }

  /** Everything there is, record by record. What changes meanwhile must be written again afterwards. */
  *everything(): Generator<string | undefined> {
    const { hub, elections } = this.#kept
    const now = hub.clock.now()
    for (const id of hub.entries.keys()) yield this.record('task', id)
    for (const [scope, { until }] of hub.dedupe.windows) if (until > now) yield this.record('key', scope)
    for (const name of hub.queues.paused()) yield this.record('queue', name)
    for (const key of hub.board.keys()) yield this.record('board', key)
    for (const name of elections.states.keys()) yield this.record('office', name)
  }

  #task(id: string, entry: MemoryEntry | undefined): string | undefined {
    if (entry === undefined) return this.#known.delete(id) ? JSON.stringify(['gone', id]) : undefined
    const { message, input } = entry
    const state = JSON.stringify(stateOf(entry, this.#kept.hub.dedupe.holds(message)))
    if (this.#known.get(id) === message) return `["state",${JSON.stringify(id)},${state}]`
    this.#known.set(id, message)
    const head = `["task",${JSON.stringify({ ...message, input: undefined })},${state}`
    return input === '' ? `${head}]` : `${head},${input}]`
  }
}
