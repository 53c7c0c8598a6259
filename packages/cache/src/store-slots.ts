import type { Claim, Lease, NewEntry, StoredEntry } from './cache-backend.js'
import type { CacheCore } from './cache-core.js'
import type { AcquireOptions, CacheSlots, Slot, SlotContent, SlotEntry, SlotKey, SlotLease } from './cache-slots.js'
import { canonicalTagGuard } from './keys/guards.js'
import { keepLease, LEASE_MS } from './lease-heartbeat.js'
import { FORMATS } from './packing.js'
import { lifetimeOf } from './policy.js'

const EMPTY = new Uint8Array()

/** {@link CacheSlots} over a store. */
export class StoreSlots implements CacheSlots {
  readonly #core: CacheCore

  constructor(core: CacheCore) {
    this.#core = core
  }

  get defaultTtlMs(): number {
    return this.#core.policy({}, 'a slot').freshMs
  }

  peek(slot: SlotKey): Pick<SlotEntry, 'head' | 'body'> | undefined {
    const { addresses, closed, reporter, store, trust } = this.#core
    if (store.peekFresh === undefined || closed || !trust.trusted) return undefined
    const entry = store.peekFresh(addresses.ofSlot(slot).key)
    if (!(entry?.head !== undefined && entry.body instanceof Uint8Array)) return undefined
    reporter.hit(false, slot.template)
    return { head: entry.head, body: entry.body }
  }

  async acquire(slot: SlotKey, { refresh = false }: AcquireOptions = {}): Promise<Slot> {
    const { addresses, store, reporter } = this.#core
    const address = addresses.ofSlot(slot)
    const settled = (timeoutMs: number, signal?: AbortSignal): Promise<void> =>
      store.settled(address.key, timeoutMs, signal)
    const request = { mode: refresh ? 'refresh' : 'need', leaseMs: LEASE_MS } as const
    const claim = await this.#core.attempt('claim', () => store.claim(address, request), address)
    const isVoid = claim?.entry !== undefined && this.#core.isVoid(claim.entry)
    if (isVoid) await claim.lease?.release().catch(() => {})
    if (claim === undefined || isVoid) return { state: 'away', entry: undefined, lease: undefined, settled }
    const state = stateOf(claim, refresh)
    if (state === 'fresh' || state === 'stale') reporter.hit(state === 'stale', slot.template)
    else reporter.miss(slot.template)
    const lease = claim.lease && this.#lease(claim.lease, slot.template)
    return { state, entry: claim.entry && slotEntry(claim.entry), lease, settled }
  }

  async read(slot: SlotKey, part: 'all' | 'head' = 'all'): Promise<SlotEntry | undefined> {
    const entry = await this.#core.find(this.#core.addresses.ofSlot(slot), part)
    return entry && slotEntry(entry)
  }

  async put(slot: SlotKey, content: SlotContent): Promise<void> {
    const tags = [...(slot.tags ?? []), ...(content.tags ?? [])]
    const address = this.#core.addresses.ofCanonical(slot.key, tags)
    await this.#core.writeEntry(address, this.#entry(content, 0))
  }

  #lease(lease: Lease, template: string | undefined): SlotLease {
    const { reporter } = this.#core
    const stopKeeping = keepLease(lease)
    const began = performance.now()
    return {
      fill: async (content) => {
        stopKeeping()
        const costMs = performance.now() - began
        const stored = await this.#core.attempt('fill', () => lease.fill(this.#entry(content, costMs)))
        reporter.fill(costMs, stored === undefined ? 'unavailable' : stored ? undefined : 'fenced', template)
        return stored === true
      },
      release: async () => {
        stopKeeping()
        await this.#core.attempt('release', () => lease.release())
      },
    }
  }

  #entry(content: SlotContent, costMs: number): NewEntry {
    const { ttl, swr, staleIfError, head, body, tags = [] } = content
    const options = {
      ...(ttl === undefined ? {} : { ttl }),
      ...(swr === undefined ? {} : { swr }),
      ...(staleIfError === undefined ? {} : { staleIfError }),
    }
    return {
      head,
      body,
      size: body.byteLength,
      format: FORMATS.bytes,
      ...lifetimeOf(this.#core.policy(options, 'a slot')),
      peekMs: 0,
      costMs,
      ...(tags.length > 0 ? { extraGuards: tags.map(canonicalTagGuard) } : {}),
    }
  }
}

function stateOf({ entry, lease }: Claim, refresh: boolean): Slot['state'] {
  if (entry !== undefined && entry.freshForMs > 0) return refresh && lease !== undefined ? 'lead' : 'fresh'
  if (entry !== undefined && entry.staleForMs > 0) return 'stale'
  return lease === undefined ? 'busy' : 'lead'
}

function slotEntry(entry: StoredEntry): SlotEntry {
  return {
    head: entry.head ?? EMPTY,
    body: (entry.body as Uint8Array | undefined) ?? EMPTY,
    ageMs: entry.ageMs,
    freshForMs: entry.freshForMs,
    staleForMs: entry.staleForMs,
    graceForMs: entry.graceForMs,
  }
}
