import type { Address } from '../cache-backend.js'
import { boundedKey, canonicalText } from './canonical-key.js'
import { canonicalTagGuard, NAMESPACE_GUARD, prefixGuards, tagGuard } from './guards.js'

/** Turns keys and tags into addresses, for one cache. */
export class Addresses {
  readonly #prefixDepth: number

  constructor(prefixDepth: number) {
    this.#prefixDepth = prefixDepth
  }

  /** For a key and tags given as text. @throws CacheKeyError */
  ofText(key: string, tags: readonly string[] = []): Address {
    return this.#of(canonicalText(key, 'key'), tags.map(tagGuard))
  }

  /** For a key and tags that are canonical, as templates render them. */
  ofCanonical(key: string, tags: readonly string[] = []): Address {
    return this.#of(key, tags.map(canonicalTagGuard))
  }

  #of(canonical: string, tags: readonly string[]): Address {
    return {
      key: boundedKey(canonical),
      guards: [NAMESPACE_GUARD, ...prefixGuards(canonical, this.#prefixDepth), ...tags],
    }
  }
}
