import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { JournalLockedError } from '../../task-errors.js'

/** Who holds a lock: a process, and when it began, since process ids are given again. */
interface Owner {
  readonly pid: number
  /** In ticks since the machine started; absent where that cannot be known. */
  readonly began?: string
}

/**
 * Takes the lock of a journal for this process; the answer lets go of it.
 *
 * The lock is a file beside the journal. One whose process is dead is taken over; one of a living process, this one
 * included, is refused with `JournalLockedError`. Processes that do not see each other (two containers over one volume)
 * are not kept apart.
 */
export async function lockJournal(path: string): Promise<() => Promise<void>> {
  const lock = `${path}.lock`
  const mine = `${lock}.${process.pid}`
  const text = JSON.stringify({ pid: process.pid, began: (await statOf(process.pid))?.began })
  await writeFile(mine, text, { mode: 0o600 })
  try {
    for (let attempt = 0; !(await linked(mine, lock)); attempt += 1) await takeOver(path, lock, attempt)
  } finally {
    await rm(mine, { force: true })
  }
  return () => rm(lock, { force: true })
}

/** A link appears whole or not at all: no lock is ever read half written. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes a lock whose owner is dead. */
async function takeOver(path: string, lock: string, attempt: number): Promise<void> {
  const text = await readIfThere(lock)
  if (text === undefined) return // it was let go of meanwhile
  const owner = parseOwner(text)
  if (owner === undefined || attempt > 10 || (await isAlive(owner))) throw new JournalLockedError(path, owner?.pid)
  const aside = `${lock}.stale.${process.pid}`
  await rename(lock, aside).catch(() => {}) // another process was quicker
  // Between the look and the rename another may have taken over: then that lock is put back.
  const taken = await readIfThere(aside)
  if (taken !== undefined && taken !== text) await linked(aside, lock)
  await rm(aside, { force: true })
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner
    return Number.isSafeInteger(owner.pid) && owner.pid > 0 ? owner : undefined
  } catch {
    return undefined
  }
}

async function isAlive({ pid, began }: Owner): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const now = await statOf(pid)
  if (now === undefined) return true // this system does not tell
  // In a container the next process often gets the number of the last one; a zombie is dead, its parent has not looked yet.
  return now.state !== 'Z' && (began === undefined || now.began === began)
}

/** What Linux tells of a process: the 3rd and the 22nd field, counted after the name in brackets. */
async function statOf(pid: number): Promise<{ readonly state?: string; readonly began?: string } | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields && ({ state: fields[0], began: fields[19] } as { readonly state?: string; readonly began?: string })
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}
