import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian keeps servers here, and the PATH of a user who is not root leaves it out. */
const alsoSearched = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The path of program `name`, or `undefined` when it is not installed. `preferred` paths are tried first. */
export function findBinary(name: string, preferred: readonly string[] = []): string | undefined {
  const onPath = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...alsoSearched]
  return [...preferred, ...onPath.map((folder) => join(folder, name))].find(isExecutable)
}

/** Like {@link findBinary}; throws with what to install when it is missing. */
export function requireBinary(name: string, preferred: readonly string[] = []): string {
  const path = findBinary(name, preferred)
  if (path) return path
  throw new Error(`${name} is not installed. On Debian: apt-get install redis-server memcached rabbitmq-server openssl`)
}
