import { type Bytes, type Duration, parseBytes, parseDuration } from '@plinth/config/units'
import { CacheOptionError } from './cache-errors.js'

/** Refuses what is no object of options, and an option that does not exist. @throws CacheOptionError */
export function refuseUnknown(options: object, known: ReadonlySet<string>, where: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new CacheOptionError(`${where} takes an object of options: ${[...known].join(', ')}.`)
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) {
      throw new CacheOptionError(`${where} has no option "${name}". It knows: ${[...known].join(', ')}.`)
    }
  }
}

/** Refuses what is no list; a text would be taken for a list of its characters. @throws CacheOptionError */
export function mustBeList(value: unknown, what: string): void {
  if (!Array.isArray(value)) throw new CacheOptionError(`${what} must be a list, such as ['user:42'].`)
}

/** Refuses what is neither a function nor absent. @throws CacheOptionError */
export function mayBeFunction(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== 'function') throw new CacheOptionError(`${what} must be a function.`)
}

/** A duration above zero in milliseconds. @throws CacheOptionError */
export function positiveMs(value: Duration, what: string): number {
  const milliseconds = asOption(() => parseDuration(value, what))
  if (milliseconds === 0) throw new CacheOptionError(`${what} must be above zero.`)
  return milliseconds
}

/** A size above zero in bytes. @throws CacheOptionError */
export function positiveBytes(value: Bytes, what: string): number {
  const bytes = asOption(() => parseBytes(value, what))
  if (bytes === 0) throw new CacheOptionError(`${what} must be above zero.`)
  return bytes
}

/** Answers what `parse` does; what it throws becomes a CacheOptionError. */
export function asOption<Value>(parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    throw new CacheOptionError((error as Error).message, error)
  }
}
