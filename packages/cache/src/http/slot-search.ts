import type { CacheSlots, Slot, SlotKey, SlotLease } from '../cache-slots.js'
import type { HeaderFields } from './header-fields.js'
import { StoredHeads } from './stored-heads.js'
import type { StoredResponse } from './stored-response.js'
import { besideKey, isSelected } from './variant.js'

/** What lies in the cache for a request, and whether it falls to this request to make a new one. */
export interface Found {
  /** The response that answers this request, fresh or stale. */
  readonly stored: StoredResponse | undefined
  /** Where its answer belongs. */
  readonly key: SlotKey
  /** Absent when another request holds it, when nobody needs it, or when the store is away. */
  readonly lease: SlotLease | undefined
  /** Another request is computing the answer. */
  readonly settled: Slot['settled'] | undefined
  /** The store cannot be reached: nothing will be stored. */
  readonly away: boolean
  /** Something is stored under the key, but for other values of the fields it varies by. */
  readonly variesOnly: boolean
}

/** Finds the stored responses for requests: under their key, or beside it where responses vary by more than the key holds. */
export class SlotSearch {
  readonly #slots: CacheSlots
  readonly #heads = new StoredHeads()

  constructor(slots: CacheSlots) {
    this.#slots = slots
  }

  /** What is fresh and at hand in this process; `undefined` says nothing. */
  peek(key: SlotKey, headers: HeaderFields): StoredResponse | undefined {
    const entry = this.#slots.peek(key)
    const stored = entry === undefined ? undefined : this.#heads.open(key.key, entry)
    return stored !== undefined && isSelected(stored, headers) ? stored : undefined
  }

  /** What is stored, without asking to fill it. With `part: 'head'` its body may be missing. */
  async read(key: SlotKey, headers: HeaderFields, part: 'all' | 'head' = 'all'): Promise<Found> {
    const read = async (from: SlotKey) => {
      const entry = await this.#slots.read(from, part)
      return entry === undefined ? undefined : this.#heads.open(from.key, entry)
    }
    const first = await read(key)
    const none = { lease: undefined, settled: undefined, away: false }
    if (first === undefined || isSelected(first, headers)) return { stored: first, key, variesOnly: false, ...none }
    const beside = besideKey(key, first, headers)
    const other = await read(beside)
    const stored = other !== undefined && isSelected(other, headers) ? other : undefined
    return { stored, key: beside, variesOnly: stored === undefined, ...none }
  }

  /** What is stored, and the right to fill it where it falls to this request; with `refresh` also where it is fresh. */
  async acquire(key: SlotKey, headers: HeaderFields, refresh = false): Promise<Found> {
    const slot = await this.#slots.acquire(key, { refresh })
    const first = slot.entry === undefined ? undefined : this.#heads.open(key.key, slot.entry)
    if (first === undefined || isSelected(first, headers)) return found(key, slot, first, false)
    await slot.lease?.release()
    const beside = besideKey(key, first, headers)
    const other = await this.#slots.acquire(beside, { refresh })
    const stored = other.entry === undefined ? undefined : this.#heads.open(beside.key, other.entry)
    const selected = stored !== undefined && isSelected(stored, headers) ? stored : undefined
    return found(beside, other, selected, selected === undefined)
  }
}

function found(key: SlotKey, slot: Slot, stored: StoredResponse | undefined, variesOnly: boolean): Found {
  const settled = slot.state === 'busy' ? slot.settled.bind(slot) : undefined
  return { stored, key, lease: slot.lease, settled, away: slot.state === 'away', variesOnly }
}
