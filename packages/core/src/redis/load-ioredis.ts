import { createRequire } from 'node:module'
import { MissingDependencyError } from '../infra-error.js'

type Ioredis = typeof import('ioredis')

let loaded: Ioredis | undefined

/**
 * Loads ioredis when the first connection is made, so that importing this package does not.
 *
 * It is loaded without waiting (ioredis is CommonJS), so that a lease can be given out at once.
 */
export function loadIoredis(): Ioredis {
  if (loaded !== undefined) return loaded
  try {
    loaded = createRequire(import.meta.url)('ioredis') as Ioredis
    return loaded
  } catch (error) {
    throw new MissingDependencyError('A Redis connection', ['ioredis'], error)
  }
}
