import type { Address } from '../cache-backend.js'
import type { SlotKey } from '../cache-slots.js'
import { mustBeList } from '../option-checks.js'
import { boundedKey, canonicalText, mustBeText } from './canonical-key.js'
import { canonicalTagGuard, NAMESPACE_GUARD, prefixGuards, tagGuard } from './guards.js'

/** Turns keys and tags into addresses, for one cache. */
export class Addresses {
  readonly #prefixDepth: number
  /** Addresses of slots that their caller holds on to. */
  readonly #ofSlots = new WeakMap<SlotKey, Address>()

  constructor(prefixDepth: number) {
    this.#prefixDepth = prefixDepth
  }

  /** For a key and tags given as text. @throws CacheKeyError @throws CacheOptionError */
  ofText(key: string, tags: readonly string[] = []): Address {
    mustBeList(tags, 'tags')
    for (const tag of tags) mustBeText(tag, 'tag')
    return this.#of(canonicalText(key, 'key'), [...tags], tagGuard)
  }

  /** For a key and tags that are canonical, as templates render them. */
  ofCanonical(key: string, tags: readonly string[] = []): Address {
    return this.#of(key, tags, canonicalTagGuard)
  }

  /** For a slot; remembered for as long as the slot is. @throws CacheKeyError */
  ofSlot(slot: SlotKey): Address {
    let address = this.#ofSlots.get(slot)
    if (address === undefined) {
      address = this.ofCanonical(slot.key, slot.tags)
      this.#ofSlots.set(slot, address)
    }
    return address
  }

  #of(canonical: string, tags: readonly string[], guardOf: (tag: string) => string): Address {
    return new LazyAddress(canonical, { tags, guardOf, prefixDepth: this.#prefixDepth })
  }
}

/** What the guards of an address are made from. */
interface GuardParts {
  readonly tags: readonly string[]
  readonly guardOf: (tag: string) => string
  readonly prefixDepth: number
}

/** Names its guards when it is asked for them: most hits are judged by those that the entry itself names. */
class LazyAddress implements Address {
  readonly key: string
  readonly #canonical: string
  readonly #parts: GuardParts
  #guards: readonly string[] | undefined

  constructor(canonical: string, parts: GuardParts) {
    this.key = boundedKey(canonical)
    this.#canonical = canonical
    this.#parts = parts
  }

  get guards(): readonly string[] {
    if (this.#guards === undefined) {
      const { tags, guardOf, prefixDepth } = this.#parts
      this.#guards = [NAMESPACE_GUARD, ...prefixGuards(this.#canonical, prefixDepth), ...tags.map(guardOf)]
    }
    return this.#guards
  }
}
