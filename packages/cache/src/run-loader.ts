import { LoaderTimeoutError } from './cache-errors.js'
import { canonicalTags } from './keys/canonical-tags.js'
import type { LoadContext, Loader, Ttl } from './load-options.js'

/** What a loader gave, and what it decided about it. */
export interface Loaded {
  readonly value: unknown
  readonly ttl: Ttl | undefined
  /** Canonical. */
  readonly tags: readonly string[]
  readonly store: boolean
}

/** What a loader is run with. */
export interface LoaderRun {
  /** Names what is loaded in errors: a template, never a key. */
  readonly what: string
  readonly timeoutMs: number
  /** Aborts the loader from outside. */
  readonly controller: AbortController
  /** Opens the value it replaces. */
  readonly stale: () => unknown
}

/**
 * Runs a loader under its hard timeout.
 *
 * @throws LoaderTimeoutError when it did not answer in time; its signal is aborted, its late answer dropped. Otherwise what it throws.
 */
export async function runLoader(load: Loader<unknown>, run: LoaderRun): Promise<Loaded> {
  const context = new Context(run)
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new LoaderTimeoutError(run.what, run.timeoutMs)
      reject(error)
      run.controller.abort(error)
    }, run.timeoutMs)
    timer.unref()
  })
  try {
    const value = await Promise.race([load(context), timeout])
    return context.loaded(value)
  } finally {
    clearTimeout(timer)
  }
}

class Context implements LoadContext {
  readonly #run: LoaderRun
  readonly #tags: string[] = []
  #ttl: Ttl | undefined
  #store = true

  constructor(run: LoaderRun) {
    this.#run = run
  }

  get signal(): AbortSignal {
    return this.#run.controller.signal
  }

  get stale(): unknown {
    return this.#run.stale()
  }

  // Arrow functions, because loaders take them out of the context: `({ setTtl }) => ...`.
  readonly setTtl = (ttl: Ttl): void => {
    this.#ttl = ttl
  }

  readonly addTags = (...tags: readonly string[]): void => {
    this.#tags.push(...canonicalTags(tags))
  }

  readonly noStore = (): void => {
    this.#store = false
  }

  loaded(value: unknown): Loaded {
    return { value, ttl: this.#ttl, tags: this.#tags, store: this.#store }
  }
}
