import type {
  Address,
  CacheStore,
  Claim,
  ClaimRequest,
  EntryPart,
  Inspection,
  KeyMatcher,
  Lease,
  Lifetime,
  NewEntry,
  OpenBody,
  StoredEntry,
  SweepOptions,
  WriteCondition,
} from '../../cache-backend.js'
import { NAMESPACE_GUARD } from '../../keys/guards.js'

/**
 * A remote store with copies of what was read from it in this process, for as long as every change of it is heard of.
 *
 * A copy is made under a lease of the near store that is taken before the far one is read: a change that is heard of meanwhile voids it.
 * What this process changes itself is dropped before and after it is sent.
 */
export class TieredStore implements CacheStore {
  readonly holds = 'bytes' as const
  readonly sweep?: NonNullable<CacheStore['sweep']>
  readonly #near: CacheStore
  readonly #far: CacheStore
  readonly #isLive: () => boolean
  #open: OpenBody | undefined

  /** `isLive`: whether every change of `far` is heard of now. */
  constructor(near: CacheStore, far: CacheStore, isLive: () => boolean) {
    this.#near = near
    this.#far = far
    this.#isLive = isLive
    if (far.sweep !== undefined) this.sweep = this.#sweep(far.sweep.bind(far))
  }

  openWith(open: OpenBody): void {
    this.#open = open
  }

  peek(key: string): unknown {
    return this.#isLive() ? this.#near.peek?.(key) : undefined
  }

  async read(address: Address, part: EntryPart = 'all'): Promise<StoredEntry | undefined> {
    const lease = part === 'all' ? await this.#nearLease(address) : undefined
    const entry = await this.#far.read(address, part)
    await this.#copy(address, lease, entry)
    return entry
  }

  async claim(address: Address, request: ClaimRequest): Promise<Claim> {
    const near = await this.#nearLease(address)
    const { entry, lease } = await this.#far.claim(address, request)
    await this.#copy(address, near, lease === undefined ? entry : undefined)
    return { entry, lease: lease && this.#watched(address, lease) }
  }

  settled(key: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#far.settled(key, timeoutMs, signal)
  }

  write(address: Address, entry: NewEntry, condition?: WriteCondition): Promise<boolean> {
    return this.#around([address.key], () => this.#far.write(address, entry, condition))
  }

  touch(address: Address, lifetime: Lifetime): Promise<boolean> {
    return this.#around([address.key], () => this.#far.touch(address, lifetime))
  }

  remove(keys: readonly string[]): Promise<number> {
    return this.#around(keys, () => this.#far.remove(keys))
  }

  take(address: Address): Promise<StoredEntry | undefined> {
    return this.#around([address.key], () => this.#far.take(address))
  }

  increment(address: Address, by: number, lifetime: Lifetime): Promise<number> {
    return this.#around([address.key], () => this.#far.increment(address, by, lifetime))
  }

  async stamp(guards: readonly string[]): Promise<void> {
    await this.#near.stamp(guards)
    try {
      await this.#far.stamp(guards)
    } finally {
      await this.#near.stamp(guards)
    }
  }

  inspect(address: Address): Promise<Inspection> {
    return this.#far.inspect(address)
  }

  verify(): Promise<boolean> {
    return this.#far.verify()
  }

  /** A change that was heard of. */
  changed(keys: readonly string[], guards: readonly string[]): void {
    if (keys.length > 0) void this.#near.remove(keys)
    if (guards.length > 0) void this.#near.stamp(guards)
  }

  /** Drops every copy. */
  drop(): void {
    void this.#near.stamp([NAMESPACE_GUARD])
  }

  /** The right to keep a copy of what is about to be read. */
  async #nearLease(address: Address): Promise<Lease | undefined> {
    if (!this.#isLive() || this.#open === undefined) return undefined
    return (await this.#near.claim({ key: address.key, guards: withNamespace(address.guards) }, COPY)).lease
  }

  async #copy(address: Address, lease: Lease | undefined, entry: StoredEntry | undefined): Promise<void> {
    if (lease === undefined) return
    const kept = entry !== undefined && entry.freshForMs > 0 ? this.#open?.(entry, address.key) : undefined
    if (entry === undefined || kept === undefined || !this.#isLive()) {
      await lease.release()
      return
    }
    const freshMs = entry.freshForMs
    const peekMs = Math.max(0, freshMs + entry.costMs * Math.log(1 - Math.random()))
    const life = { freshMs, staleMs: freshMs, graceMs: freshMs, peekMs }
    const extraGuards = entry.guards.filter((guard) => !address.guards.includes(guard))
    await lease.fill({ ...kept, ...life, format: entry.format, costMs: entry.costMs, extraGuards })
  }

  #watched(address: Address, lease: Lease): Lease {
    return {
      fill: (entry) => this.#around([address.key], () => lease.fill(entry)),
      renew: (leaseMs) => lease.renew(leaseMs),
      release: () => lease.release(),
    }
  }

  #sweep(far: NonNullable<CacheStore['sweep']>): NonNullable<CacheStore['sweep']> {
    return async (matcher: KeyMatcher, options: SweepOptions) => {
      await this.#near.sweep?.(matcher, { dryRun: options.dryRun })
      try {
        return await far(matcher, options)
      } finally {
        await this.#near.sweep?.(matcher, { dryRun: options.dryRun })
      }
    }
  }

  async #around<Answer>(keys: readonly string[], change: () => Promise<Answer>): Promise<Answer> {
    await this.#near.remove(keys)
    try {
      return await change()
    } finally {
      await this.#near.remove(keys)
    }
  }
}

/** Longer than any read of the far store. */
const COPY: ClaimRequest = { mode: 'need', leaseMs: 10_000 }

function withNamespace(guards: readonly string[]): readonly string[] {
  return guards.includes(NAMESPACE_GUARD) ? guards : [NAMESPACE_GUARD, ...guards]
}
