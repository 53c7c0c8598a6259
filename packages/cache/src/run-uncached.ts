import type { LoadContext, Loader } from './load-options.js'

/** Runs a loader for one caller, with nothing to store the result in. */
export async function runUncached<T>(load: Loader<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted()
  return load(new UncachedContext(signal))
}

class UncachedContext implements LoadContext<never> {
  readonly #signal: AbortSignal | undefined
  readonly stale = undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
  }

  get signal(): AbortSignal {
    return this.#signal ?? new AbortController().signal
  }

  readonly setTtl = (): void => {}
  readonly addTags = (): void => {}
  readonly noStore = (): void => {}
}
