import type { Address } from '../cache-backend.js'
import type { SlotKey } from '../cache-slots.js'
import { boundedKey, canonicalText } from './canonical-key.js'
import { canonicalTagGuard, NAMESPACE_GUARD, prefixGuards, tagGuard } from './guards.js'

/** Turns keys and tags into addresses, for one cache. */
export class Addresses {
  readonly #prefixDepth: number
  /** Addresses of slots that their caller holds on to. */
  readonly #ofSlots = new WeakMap<SlotKey, Address>()

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

  /** For a slot; remembered for as long as the slot is. @throws CacheKeyError */
  ofSlot(slot: SlotKey): Address {
    let address = this.#ofSlots.get(slot)
    if (address === undefined) {
      address = this.ofCanonical(slot.key, slot.tags)
      this.#ofSlots.set(slot, address)
    }
    return address
  }

  #of(canonical: string, tags: readonly string[]): Address {
    return {
      key: boundedKey(canonical),
      guards: [NAMESPACE_GUARD, ...prefixGuards(canonical, this.#prefixDepth), ...tags],
    }
  }
}
