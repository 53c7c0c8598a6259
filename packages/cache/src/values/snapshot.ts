import { copyData, takeData } from './take-data.js'

/** What a store in this process keeps of a value, and roughly how many bytes it takes. */
export interface Kept {
  readonly body: unknown
  readonly size: number
}

/**
 * Takes a private copy, so that what was put into a cache and what is taken out of it may be changed freely.
 *
 * @throws CacheValueError as `takeData` does.
 */
export function keep(value: unknown): Kept {
  const { data, size, flat } = takeData(value)
  return { body: typeof data === 'object' && data !== null ? new Snapshot(data, flat) : data, size }
}

/** Gives the caller a copy of its own. */
export function unkeep(body: unknown): unknown {
  return body instanceof Snapshot ? body.copy() : body
}

/** Primitives are kept as they are; everything else inside one of these, so that no reference leaks. */
class Snapshot {
  readonly #data: object
  readonly #flat: boolean

  constructor(data: object, flat: boolean) {
    this.#data = data
    this.#flat = flat
  }

  copy(): unknown {
    return this.#flat ? { ...this.#data } : copyData(this.#data)
  }
}
