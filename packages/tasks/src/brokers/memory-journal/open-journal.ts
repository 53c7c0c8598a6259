import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { BackendUnavailableError, InfraError, MisconfiguredError } from '@plinth/core'
import type { TaskClock } from '../../task-clock.js'
import { MemoryElections } from '../memory/memory-elections.js'
import { MemoryHub, type MemoryLimits } from '../memory/memory-hub.js'
import { Journal } from './journal.js'
import { lockJournal } from './journal-lock.js'
import { readJournal } from './read-journal.js'

/** Where a journal is, and what is kept in it. */
export interface OpenJournalOptions {
  readonly path: string
  readonly sync: boolean
  readonly clock: TaskClock
  readonly limits: MemoryLimits
}

/** A memory broker's insides, as the journal left them, and the journal that goes on from there. */
export interface OpenJournal {
  readonly hub: MemoryHub
  readonly elections: MemoryElections
  readonly journal: Journal
  /** Writes what is left and lets go of the file. */
  close(): Promise<void>
}

/**
 * Reads a journal into a new hub, and writes it anew without what is no longer true.
 *
 * Rejects with `JournalLockedError`, `JournalCorruptError`, with `MisconfiguredError` when the file cannot be used as it is
 * named, and with `BackendUnavailableError` for what may pass, such as a full disk.
 */
export async function openJournal({ path, sync, clock, limits }: OpenJournalOptions): Promise<OpenJournal> {
  try {
    // The file that is written anew takes the place of the old one, not of a link to it.
    const file = await realpath(path).catch(() => resolve(path))
    const unlock = await lockJournal(file)
    try {
      const journal = new Journal(file, sync)
      const kept = { hub: new MemoryHub(clock, limits, journal), elections: new MemoryElections(journal) }
      const image = await readJournal(file)
      image.restore(kept)
      await journal.begin(kept)
      return { ...kept, journal, close: () => journal.close().finally(unlock) }
    } catch (error) {
      await unlock()
      throw error
    }
  } catch (error) {
    throw error instanceof InfraError ? error : unusable(path, error as NodeJS.ErrnoException)
  }
}

/** What a person must mend; everything else may pass by itself. */
const LASTING: ReadonlySet<string | undefined> = new Set(
  'EACCES EISDIR ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS EXDEV'.split(' '),
)

function unusable(path: string, cause: NodeJS.ErrnoException): InfraError {
  const message = `The journal of tasks, ${path}, cannot be used (${cause.message}).`
  if (!LASTING.has(cause.code)) return new BackendUnavailableError(message, { reason: 'closed', cause })
  return new MisconfiguredError(`${message} Name a file in a directory that exists and that this process may write.`, {
    cause,
  })
}
