import type { Clock, Logger } from '@plinth/core'
import type { RateLimitRules } from './rate-limit-rules.js'

/** Loads rules from where they are kept, such as a database. */
export type LoadRules<Policy extends string = string, Tier extends string = string> = (
  signal: AbortSignal,
) => Promise<RateLimitRules<Policy, Tier>>

/** What a {@link RulesSource} works with. Times in milliseconds. */
export interface RulesSourceOptions {
  readonly load: LoadRules
  /** How old rules become before they are loaded again. */
  readonly everyMs: number
  /** Takes them, or throws and keeps those before. */
  readonly apply: (rules: RateLimitRules) => void
  readonly logger: Logger
  readonly clock: Clock
}

/**
 * Keeps rules fresh without a timer: a check that finds them old has them loaded in the background, and goes on with
 * those that there are. Rules that cannot be loaded, or are wrong, change nothing; that is told once until it works again.
 */
export class RulesSource {
  readonly #options: RulesSourceOptions
  #staleAt = 0
  #loading: Promise<void> | undefined
  #isFailing = false

  constructor(options: RulesSourceOptions) {
    this.#options = options
  }

  /** Loads now. Rejects when that fails or the rules are wrong. */
  refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** Loads in the background when the rules are old. */
  keepFresh(): void {
    if (this.#options.clock.elapsed() < this.#staleAt || this.#loading !== undefined) return
    this.refresh().catch(() => {}) // told by #load
  }

  async #load(): Promise<void> {
    const { load, apply, everyMs, logger, clock } = this.#options
    this.#staleAt = clock.elapsed() + everyMs
    try {
      apply(await load(AbortSignal.timeout(LOAD_TIMEOUT_MS)))
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        logger.warn(
          { component: 'rate-limit', error },
          'rate limit rules could not be refreshed: those before still apply',
        )
      }
      this.#isFailing = true
      throw error
    }
  }
}

const LOAD_TIMEOUT_MS = 10_000
