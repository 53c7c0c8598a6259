import { BackendUnavailableError, type Clock } from '@plinth/core'
import { isAway } from './away.js'
import type { Address, CacheBackend, CacheStore, EntryPart, Lifetime, NewEntry, StoredEntry } from './cache-backend.js'
import { CacheClosedError, CacheOptionError, CacheValueError } from './cache-errors.js'
import { Warming } from './functions/warming.js'
import { Invalidations } from './invalidations.js'
import { Addresses } from './keys/addresses.js'
import type { LoadOptions, Ttl } from './load-options.js'
import type { LoadRequest } from './load-request.js'
import { FORMATS, type Packing } from './packing.js'
import { PendingInvalidations } from './pending-invalidations.js'
import { lifetimeOf, type NamedTtls, type Policy, parseTtl, resolvePolicy } from './policy.js'
import { ReadThrough } from './read-through.js'
import { Reporter } from './reporter.js'
import { StoreTrust } from './store-trust.js'
import type { ValueCheck } from './value-check.js'
import { keep, unkeep } from './values/snapshot.js'

/** What a cache is assembled from. */
export interface CacheParts {
  readonly name: string
  readonly backend: CacheBackend
  readonly store: CacheStore
  readonly packing: Packing
  readonly policy: Policy
  readonly ttls: NamedTtls
  readonly prefixDepth: number
  /** What an invalidation that could not be sent does, besides being sent later: resolve, or reject. */
  readonly onInvalidationError: 'queue' | 'throw'
  readonly clock: Clock
}

/** What a write stores. */
export interface Write {
  readonly value: unknown
  readonly policy: Policy
}

/**
 * The promises of a cache over addresses: reads fail open, invalidations are never lost in silence, nothing is read that could be stale
 * because an invalidation is still on its way.
 */
export class CacheCore {
  readonly name: string
  readonly backend: CacheBackend
  readonly addresses: Addresses
  readonly reporter: Reporter
  readonly store: CacheStore
  readonly trust: StoreTrust
  readonly invalidations: Invalidations
  readonly warming: Warming = new Warming()
  readonly #parts: CacheParts
  readonly #packing: Packing
  readonly #reads: ReadThrough
  readonly #pending = new PendingInvalidations()
  #closed = false

  constructor(parts: CacheParts) {
    const { name, backend, store, packing, ttls, clock, prefixDepth } = parts
    this.name = name
    this.backend = backend
    this.store = store
    this.addresses = new Addresses(prefixDepth)
    this.reporter = new Reporter(name, backend.name)
    this.#parts = parts
    this.#packing = packing
    this.#reads = new ReadThrough(
      store,
      { packing, ttls, clock, reporter: this.reporter },
      { isVoid: (entry) => this.isVoid(entry) },
    )
    store.openWith?.((entry, key) => this.#keep(entry, key))
    this.trust = new StoreTrust({ backend, store, pending: this.#pending, reporter: this.reporter })
    this.invalidations = new Invalidations({
      ...parts,
      trust: this.trust,
      pending: this.#pending,
      reporter: this.reporter,
      detach: (keys) => this.#reads.detach(keys),
      mustBeOpen: () => this.mustBeOpen(),
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  policy(options: LoadOptions<never>, where: string): Policy {
    return resolvePolicy(this.#parts.policy, options, this.#parts.ttls, where)
  }

  ttl(ttl: Ttl, where: string): number {
    return parseTtl(ttl, this.#parts.ttls, where)
  }

  /** The value that the store can answer at once, if it passes the check; `undefined` says nothing. */
  peek(key: string, check?: ValueCheck): unknown {
    const body = this.store.peek?.(key)
    if (body === undefined || this.#closed || this.#pending.size > 0) return undefined
    return check === undefined ? unkeep(body) : checked(unkeep(body), check)
  }

  /** Reads through the cache, or past it while it cannot be trusted. */
  load(request: LoadRequest): Promise<unknown> {
    if (this.#closed) return Promise.reject(new CacheClosedError(this.name))
    if (!this.trust.trusted) return this.#loadUntrusted(request)
    return this.#reads.get(request, !this.#coveredByPending(request.address))
  }

  /** What is stored, fresh or not; nothing while the store cannot be trusted. */
  async find(address: Address, part: EntryPart = 'all'): Promise<StoredEntry | undefined> {
    return this.attempt(
      'read',
      async () => {
        const entry = await this.store.read(address, part)
        return entry !== undefined && this.isVoid(entry) ? undefined : entry
      },
      address,
    )
  }

  /** The fresh value, or `undefined`. */
  async read(address: Address, template: string | undefined, check?: ValueCheck): Promise<unknown> {
    const entry = await this.find(address)
    if (entry !== undefined && entry.freshForMs > 0) {
      const opened = await this.open(entry, address, { template, check })
      if (opened !== undefined) {
        this.reporter.hit(false, template)
        return opened.value
      }
    }
    this.reporter.miss(template)
    return undefined
  }

  /** The value of an entry; an entry that cannot be decoded, or does not pass the check, is removed and answers nothing. */
  async open(
    entry: StoredEntry,
    address: Address,
    { template, check }: { readonly template?: string | undefined; readonly check?: ValueCheck | undefined } = {},
  ): Promise<{ readonly value: unknown } | undefined> {
    try {
      const value = this.#packing.unpack(entry.body, entry.format, address.key)
      return { value: check === undefined ? value : check(value) }
    } catch (error) {
      if (error instanceof CacheOptionError) throw error
      this.reporter.refused(template)
      await this.attempt('remove', () => this.store.remove([address.key]))
      return undefined
    }
  }

  /** Stores; when that fails, what stood there before is invalidated as soon as possible. */
  async write(address: Address, { value, policy }: Write): Promise<void> {
    await this.writeEntry(address, this.entry(address, value, policy))
  }

  /** As {@link CacheCore.write}, for an entry that is made already. */
  async writeEntry(address: Address, entry: NewEntry): Promise<void> {
    this.mustBeOpen()
    if (!this.trust.trusted) await this.trust.ready()
    try {
      await this.store.write(address, entry)
      this.#reads.detach([address.key])
    } catch (error) {
      this.invalidations.keepFor({ keys: [address.key] }, 'write', error)
    }
  }

  async writeIfAbsent(address: Address, { value, policy }: Write): Promise<boolean> {
    await this.#mustBeTrusted(address)
    return this.store.write(address, this.entry(address, value, policy), 'absent')
  }

  async increment(address: Address, by: number, lifetime: Lifetime): Promise<number> {
    await this.#mustBeTrusted(address)
    return this.store.increment(address, by, lifetime)
  }

  async take(address: Address): Promise<unknown> {
    const entry = await this.attempt('take', () => this.store.take(address), address)
    this.#reads.detach([address.key])
    if (entry === undefined || entry.freshForMs <= 0 || this.isVoid(entry)) return undefined
    return (await this.open(entry, address))?.value
  }

  async touch(address: Address, policy: Policy): Promise<boolean> {
    return (await this.attempt('touch', () => this.store.touch(address, lifetimeOf(policy)), address)) ?? false
  }

  /** What a store answers, or `undefined` while it is away or cannot be trusted (for `address`). */
  async attempt<Answer>(operation: string, ask: () => Promise<Answer>, address?: Address): Promise<Answer | undefined> {
    this.mustBeOpen()
    try {
      if (!(this.trust.trusted || (await this.trust.ready()))) return undefined
      if (address !== undefined && this.#coveredByPending(address)) return undefined
      return await ask()
    } catch (error) {
      if (!isAway(error)) throw error
      this.reporter.failure(operation, error)
      return undefined
    }
  }

  entry(address: Address, value: unknown, policy: Policy): NewEntry {
    if (value === undefined)
      throw new CacheValueError('undefined cannot be cached: it would look like a missing entry. Use null.')
    const packed = this.#packing.pack(value, address.key)
    return { ...packed, ...lifetimeOf(policy), peekMs: policy.freshMs, costMs: 0 }
  }

  mustBeOpen(): void {
    if (this.#closed) throw new CacheClosedError(this.name)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#reads.detach()
    if (this.#pending.size > 0 && this.backend.available) await this.#pending.flush(this.store).catch(() => {})
    this.trust.close()
  }

  /** A value for a store to keep near; nothing for bytes of adapters, and for what cannot be decoded. */
  #keep(entry: StoredEntry, key: string): { readonly body: unknown; readonly size: number } | undefined {
    if (entry.format === FORMATS.bytes || entry.format === FORMATS.nothing) return undefined
    try {
      return keep(this.#packing.unpack(entry.body, entry.format, key))
    } catch {
      return undefined
    }
  }

  /** For what has no answer without the store. */
  async #mustBeTrusted(address: Address): Promise<void> {
    this.mustBeOpen()
    if ((this.trust.trusted || (await this.trust.ready())) && !this.#coveredByPending(address)) return
    throw new BackendUnavailableError(`Cache "${this.name}" cannot tell: ${this.backend.name} is away.`, {
      reason: 'closed',
    })
  }

  async #loadUntrusted(request: LoadRequest): Promise<unknown> {
    const usable = (await this.trust.ready()) && !this.#coveredByPending(request.address)
    return this.#reads.get(request, usable)
  }

  /** Why an entry that the store has is not answered; `undefined` when nothing stands against it. */
  async whyNotRead(address: Address, entry: StoredEntry | undefined): Promise<'untrusted' | 'unsent' | undefined> {
    if (!(this.trust.trusted || (await this.trust.ready()))) return 'untrusted'
    const isUnsent = this.#coveredByPending(address) || (entry !== undefined && this.isVoid(entry))
    return isUnsent ? 'unsent' : undefined
  }

  /** Whether an entry depends on something that was invalidated, of which the store has not heard yet. */
  isVoid(entry: StoredEntry): boolean {
    // Which guards it has is not decoded for nothing.
    return this.#pending.size > 0 && this.#pending.coverGuards(entry.guards)
  }

  #coveredByPending(address: Address): boolean {
    return this.#pending.size > 0 && this.#pending.cover(address)
  }
}

/** What is at hand and does not pass is left to whoever computes it anew. */
function checked(value: unknown, check: ValueCheck): unknown {
  try {
    return check(value)
  } catch (error) {
    if (error instanceof CacheOptionError) throw error
    return undefined
  }
}
