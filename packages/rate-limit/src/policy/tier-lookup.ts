import type { Clock, Logger } from '@plinth/core'

/** Tells which tier a subject is in; `undefined` for the policies' own limits. May ask a database. */
export type TierOf = (subject: string) => string | undefined | PromiseLike<string | undefined>

/** What a {@link TierLookup} works with. Times in milliseconds. */
export interface TierLookupOptions {
  readonly tierOf: TierOf
  /** The tier of a subject about which nothing could be found out. */
  readonly fallback: string | undefined
  /** How long an answer is used before it is asked for again (in the background, the old one serving meanwhile). */
  readonly freshMs: number
  /** How long a check waits for the first answer about its subject. */
  readonly deadlineMs: number
  /** Whether a tier exists. */
  readonly isKnown: (tier: string) => boolean
  readonly logger: Logger
  readonly clock: Clock
}

interface Known {
  tier: string | undefined
  staleAt: number
  asking: Promise<string | undefined> | undefined
}

/**
 * Remembers which subject is in which tier.
 *
 * One question per subject at a time, however many checks wait for it. What fails, takes too long or names an unknown
 * tier is answered with the fallback, told once, and asked again soon.
 */
export class TierLookup {
  readonly #options: TierLookupOptions
  readonly #known = new Map<string, Known>()
  #isFailing = false

  constructor(options: TierLookupOptions) {
    this.#options = options
  }

  find(subject: string): string | undefined | Promise<string | undefined> {
    const known = this.#known.get(subject)
    // other rules may have come without the tier that was found
    if (known === undefined || !this.#isTier(known.tier)) return this.#askFirst(subject)
    if (known.staleAt === NEVER) return known.asking ?? this.#options.fallback
    if (this.#options.clock.elapsed() >= known.staleAt && known.asking === undefined) this.#ask(subject, known)
    return known.tier
  }

  /** Asks again at the next check: the subject was moved to another tier. */
  forget(subject: string): void {
    this.#known.delete(subject)
  }

  #askFirst(subject: string): string | undefined | Promise<string | undefined> {
    if (this.#known.size >= MOST_KNOWN) this.#dropOldest()
    const known: Known = { tier: this.#options.fallback, staleAt: NEVER, asking: undefined }
    this.#known.set(subject, known)
    return this.#ask(subject, known)
  }

  /** Asks, and answers within the deadline; a later answer still counts for the next check. */
  #ask(subject: string, known: Known): string | undefined | Promise<string | undefined> {
    const { tierOf, deadlineMs, fallback } = this.#options
    let answer: ReturnType<TierOf>
    try {
      answer = tierOf(subject)
    } catch (error) {
      return this.#failed(known, error)
    }
    if (!isPromiseLike(answer)) return this.#learned(known, answer)
    const learned = Promise.resolve(answer).then(
      (tier) => this.#learned(known, tier),
      (error: unknown) => this.#failed(known, error),
    )
    known.asking = new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#tell(new Error(`no answer within ${deadlineMs} ms`))
        known.staleAt = this.#options.clock.elapsed() + RETRY_MS
        known.asking = undefined
        resolve(known.tier ?? fallback)
      }, deadlineMs).unref()
      void learned.then((tier) => {
        clearTimeout(timer)
        known.asking = undefined
        resolve(tier)
      })
    })
    return known.asking
  }

  #learned(known: Known, tier: string | undefined): string | undefined {
    const { freshMs, fallback, clock } = this.#options
    if (!this.#isTier(tier)) {
      return this.#failed(known, new Error(`there is no tier "${String(tier).slice(0, 64)}"`), fallback)
    }
    this.#isFailing = false
    known.tier = tier ?? fallback
    known.staleAt = clock.elapsed() + freshMs
    return known.tier
  }

  #failed(known: Known, error: unknown, tier: string | undefined = known.tier): string | undefined {
    this.#tell(error)
    known.tier = tier
    known.staleAt = this.#options.clock.elapsed() + RETRY_MS
    return tier
  }

  #isTier(tier: string | undefined): boolean {
    return tier === undefined || this.#options.isKnown(tier)
  }

  #tell(error: unknown): void {
    if (this.#isFailing) return
    this.#isFailing = true
    const { logger, fallback } = this.#options
    const facts = { component: 'rate-limit', fallback, error }
    logger.warn(facts, 'the tier of a subject could not be found out: the default one applies')
  }

  #dropOldest(): void {
    for (const subject of this.#known.keys()) {
      this.#known.delete(subject)
      return
    }
  }
}

/** Query builders are asked by `then`, and no `Promise`. */
function isPromiseLike<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const MOST_KNOWN = 50_000
const RETRY_MS = 1000
/** Nothing is known yet. */
const NEVER = -1
