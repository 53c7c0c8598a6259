import { isAway } from './away.js'
import type { CacheStore, Claim, Lease, NewEntry, StoredEntry } from './cache-backend.js'
import type { AcquireOptions, CacheSlots, Slot, SlotContent, SlotEntry, SlotKey, SlotLease } from './cache-slots.js'
import type { Addresses } from './keys/addresses.js'
import { canonicalTagGuard } from './keys/guards.js'
import { FORMATS } from './packing.js'
import { type NamedTtls, type Policy, parseTtl, resolvePolicy } from './policy.js'
import type { Reporter } from './reporter.js'

/** See `ReadThrough`: how long a lease lasts without a sign of life. */
const LEASE_MS = 1_500
const EMPTY = new Uint8Array()

/** {@link CacheSlots} over a store. */
export class StoreSlots implements CacheSlots {
  readonly #store: CacheStore
  readonly #addresses: Addresses
  readonly #policy: Policy
  readonly #ttls: NamedTtls
  readonly #reporter: Reporter

  constructor(parts: {
    readonly store: CacheStore
    readonly addresses: Addresses
    readonly policy: Policy
    readonly ttls: NamedTtls
    readonly reporter: Reporter
  }) {
    this.#store = parts.store
    this.#addresses = parts.addresses
    this.#policy = parts.policy
    this.#ttls = parts.ttls
    this.#reporter = parts.reporter
  }

  async acquire(slot: SlotKey, { refresh = false }: AcquireOptions = {}): Promise<Slot> {
    const address = this.#addresses.ofCanonical(slot.key, slot.tags)
    const settled = (timeoutMs: number, signal?: AbortSignal): Promise<void> =>
      this.#store.settled(address.key, timeoutMs, signal)
    let claim: Claim
    try {
      claim = await this.#store.claim(address, { mode: refresh ? 'refresh' : 'need', leaseMs: LEASE_MS })
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure('claim', error, slot.template)
      return { state: 'away', entry: undefined, lease: undefined, settled }
    }
    const state = stateOf(claim, refresh)
    if (state === 'fresh' || state === 'stale') this.#reporter.hit(state === 'stale', slot.template)
    else this.#reporter.miss(slot.template)
    const lease = claim.lease && this.#lease(claim.lease, slot.template)
    return { state, entry: claim.entry && slotEntry(claim.entry), lease, settled }
  }

  async read(slot: SlotKey, part: 'all' | 'head' = 'all'): Promise<SlotEntry | undefined> {
    try {
      const entry = await this.#store.read(this.#addresses.ofCanonical(slot.key, slot.tags), part)
      return entry && slotEntry(entry)
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure('read', error, slot.template)
      return undefined
    }
  }

  async put(slot: SlotKey, content: SlotContent): Promise<void> {
    const tags = [...(slot.tags ?? []), ...(content.tags ?? [])]
    try {
      await this.#store.write(this.#addresses.ofCanonical(slot.key, tags), this.#entry(content, 0))
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure('write', error, slot.template)
    }
  }

  #lease(lease: Lease, template: string | undefined): SlotLease {
    const heartbeat = setInterval(() => void lease.renew(LEASE_MS).catch(() => {}), LEASE_MS / 3)
    heartbeat.unref()
    const began = performance.now()
    return {
      fill: async (content) => {
        clearInterval(heartbeat)
        const costMs = performance.now() - began
        try {
          const stored = await lease.fill(this.#entry(content, costMs))
          this.#reporter.fill(costMs, stored ? undefined : 'fenced', template)
          return stored
        } catch (error) {
          if (!isAway(error)) throw error
          this.#reporter.failure('fill', error, template)
          return false
        }
      },
      release: async () => {
        clearInterval(heartbeat)
        await lease.release().catch((error: unknown) => this.#reporter.failure('release', error, template))
      },
    }
  }

  #entry(content: SlotContent, costMs: number): NewEntry {
    const { ttl, swr, staleIfError, tags = [] } = content
    const freshMs = ttl === undefined ? this.#policy.freshMs : parseTtl(ttl, this.#ttls, 'a slot')
    const rest = { ...(swr === undefined ? {} : { swr }), ...(staleIfError === undefined ? {} : { staleIfError }) }
    const policy = resolvePolicy(this.#policy, rest, this.#ttls, 'a slot')
    return {
      head: content.head,
      body: content.body,
      size: content.body.byteLength,
      format: FORMATS.bytes,
      freshMs,
      staleMs: freshMs + policy.swrMs,
      graceMs: freshMs + policy.staleIfErrorMs,
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
