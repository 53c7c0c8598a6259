import type { CacheSlots, Slot, SlotKey, SlotLease } from '../cache-slots.js'
import type { HeaderFields } from './header-fields.js'
import { decodeEntry, type StoredResponse } from './stored-response.js'
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

/** Finds the stored response for a request without asking to fill it. */
export async function readStored(slots: CacheSlots, key: SlotKey, headers: HeaderFields): Promise<Found> {
  const read = async (from: SlotKey) => {
    const entry = await slots.read(from)
    return entry === undefined ? undefined : decodeEntry(entry)
  }
  const first = await read(key)
  const none = { lease: undefined, settled: undefined, away: false }
  if (first === undefined || isSelected(first, headers)) return { stored: first, key, variesOnly: false, ...none }
  const beside = besideKey(key, first, headers)
  const other = await read(beside)
  const stored = other !== undefined && isSelected(other, headers) ? other : undefined
  return { stored, key: beside, variesOnly: stored === undefined, ...none }
}

/** Finds the stored response for a request, and takes the right to fill it where it falls to this request. */
export async function acquireStored(
  slots: CacheSlots,
  key: SlotKey,
  headers: HeaderFields,
  refresh: boolean,
): Promise<Found> {
  const slot = await slots.acquire(key, { refresh })
  const first = slot.entry === undefined ? undefined : decodeEntry(slot.entry)
  if (first === undefined || isSelected(first, headers)) return found(key, slot, first, false)
  await slot.lease?.release()
  const beside = besideKey(key, first, headers)
  const other = await slots.acquire(beside, { refresh })
  const stored = other.entry === undefined ? undefined : decodeEntry(other.entry)
  const selected = stored !== undefined && isSelected(stored, headers) ? stored : undefined
  return found(beside, other, selected, selected === undefined)
}

function found(key: SlotKey, slot: Slot, stored: StoredResponse | undefined, variesOnly: boolean): Found {
  const settled = slot.state === 'busy' ? slot.settled.bind(slot) : undefined
  return { stored, key, lease: slot.lease, settled, away: slot.state === 'away', variesOnly }
}
