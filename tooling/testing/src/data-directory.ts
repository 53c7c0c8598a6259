import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { disownDirectory, ownDirectory } from './watchdog.js'

/** A new directory for the data of one server, removed at the end even when the run is killed. */
export function createDataDirectory(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `plinth-${name}-`))
  ownDirectory(path)
  return path
}

/** Removes a directory made by {@link createDataDirectory}. */
export function removeDataDirectory(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  disownDirectory(path)
}
