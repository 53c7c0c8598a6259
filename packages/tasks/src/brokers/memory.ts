import { checkOptions, either, having, type Kinds, mustBe, OBJECT, SWITCH, TEXT, wholeFrom } from '../option-checks.js'
import { systemTaskClock, type TaskClock } from '../task-clock.js'
import { HubBroker } from './memory/hub-broker.js'
import { JournaledBroker } from './memory/journaled-broker.js'
import { JournaledPlace } from './memory/journaled-place.js'
import type { MemoryBroker } from './memory/memory-broker.js'
import { MemoryElections } from './memory/memory-elections.js'
import { MemoryHub } from './memory/memory-hub.js'

/** How a memory broker is set up. */
export interface MemoryBrokerOptions {
  /** Default: the machine's clock. Give a `virtualClock()` to turn time in tests. */
  readonly clock?: TaskClock
  /** Tasks that may wait or run at once; further enqueues are refused. Default 1,000,000. */
  readonly maxTasks?: number
  /** Ended tasks (results, dead letters) that are kept at most; the oldest go first. Default 10,000. */
  readonly maxEnded?: number
  /** The largest input, in bytes of JSON. Default 1 MiB, as on the other brokers. */
  readonly maxPayloadBytes?: number
  /**
   * A file in which everything is written down, so that it outlives this process: its path, or more about it. Default none.
   *
   * The file belongs to one broker of one process at a time, and its directory must exist. What was running when the process
   * was killed runs again.
   */
  readonly journal?: string | MemoryJournalOptions
}

/** How the journal of a memory broker is written. */
export interface MemoryJournalOptions {
  readonly path: string
  /**
   * Whether what was confirmed survives a power cut, too, or only the death of the process. Each turn of the event loop in
   * which something changed then waits for the disk. Default false.
   */
  readonly sync?: boolean
}

const KINDS = {
  clock: having('a clock, such as virtualClock()', 'now', 'elapsed', 'after'),
  maxTasks: wholeFrom(1),
  maxEnded: wholeFrom(0),
  maxPayloadBytes: wholeFrom(1),
  journal: either(TEXT, OBJECT),
} satisfies Kinds<MemoryBrokerOptions>
const JOURNAL = { path: TEXT, sync: SWITCH } satisfies Kinds<MemoryJournalOptions>

/**
 * Makes a broker that keeps tasks in this process: the embedded default, and the one for tests.
 *
 * It behaves as the others do (JSON in and out, delays, retries, lanes, keys, dead letters, schedules), but what it holds
 * ends with the process, unless it has a `journal`.
 *
 * @throws TaskDefinitionError for an option that does not exist, or is not of its kind.
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  checkOptions(options, KINDS, 'memoryBroker')
  const { clock = systemTaskClock, maxTasks = 1_000_000, maxEnded = 10_000, maxPayloadBytes = 1_048_576 } = options
  const limits = { maxTasks, maxEnded, maxPayloadBytes }
  if (options.journal === undefined) return new HubBroker(new MemoryHub(clock, limits), new MemoryElections())
  const journal = typeof options.journal === 'string' ? { path: options.journal } : options.journal
  checkOptions(journal, JOURNAL, 'journal of memoryBroker')
  const { path, sync = false } = journal
  mustBe(path, TEXT, 'path of journal of memoryBroker')
  return new JournaledBroker(new JournaledPlace({ path, sync, clock, limits }))
}
