import { createRequire } from 'node:module'
import { MissingDependencyError } from '../infra-error.js'

type Memjs = typeof import('memjs')

let loaded: Memjs | undefined

/** Loads memjs when the first connection is made, without waiting (it is CommonJS). */
export function loadMemjs(): Memjs {
  if (loaded !== undefined) return loaded
  try {
    loaded = createRequire(import.meta.url)('memjs') as Memjs
    return loaded
  } catch (error) {
    throw new MissingDependencyError('A Memcached connection', ['memjs'], error)
  }
}
