import { cacheChannels, type FillEvent, type InvalidateEvent } from './cache-events.js'

/** Publishes what one cache does. Each call costs one property while nobody listens. */
export class Reporter {
  readonly #cache: string
  readonly #backend: string

  constructor(cache: string, backend: string) {
    this.#cache = cache
    this.#backend = backend
  }

  hit(stale: boolean, template: string | undefined): void {
    if (cacheChannels.hit.hasSubscribers) cacheChannels.hit.publish({ ...this.#who(template), stale })
  }

  miss(template: string | undefined): void {
    if (cacheChannels.miss.hasSubscribers) cacheChannels.miss.publish(this.#who(template))
  }

  fill(costMs: number, refused: FillEvent['reason'], template: string | undefined): void {
    if (!cacheChannels.fill.hasSubscribers) return
    const stored = refused === undefined
    cacheChannels.fill.publish({ ...this.#who(template), costMs, stored, ...(stored ? {} : { reason: refused }) })
  }

  refused(template: string | undefined): void {
    if (cacheChannels.refused.hasSubscribers) cacheChannels.refused.publish(this.#who(template))
  }

  invalidate(kind: InvalidateEvent['kind'], count: number, queued: boolean): void {
    if (!cacheChannels.invalidate.hasSubscribers) return
    cacheChannels.invalidate.publish({ ...this.#who(undefined), kind, count, queued })
  }

  failure(operation: string, error: unknown, template?: string): void {
    if (!cacheChannels.failure.hasSubscribers) return
    cacheChannels.failure.publish({ ...this.#who(template), operation, error })
  }

  #who(template: string | undefined): { cache: string; backend: string; template: string | undefined } {
    return { cache: this.#cache, backend: this.#backend, template }
  }
}
