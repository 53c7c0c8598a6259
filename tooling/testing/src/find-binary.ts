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

/** The path of program `name`; `preferred` paths are tried first. Throws with what to install when it is missing. */
export function requireBinary(name: string, preferred: readonly string[] = []): string {
  const onPath = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...alsoSearched]
  const path = [...preferred, ...onPath.map((folder) => join(folder, name))].find(isExecutable)
  if (path) return path
  throw new Error(
    `${name} is not installed. On Debian: apt-get install redis-server memcached rabbitmq-server postgresql openssl`,
  )
}
