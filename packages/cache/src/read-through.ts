import type { Clock } from '@plinth/core'
import { isAway } from './away.js'
import type { Address, CacheStore, Claim, Lease, NewEntry, StoredEntry } from './cache-backend.js'
import { Flight, type Outcome } from './flight.js'
import { canonicalTagGuard } from './keys/guards.js'
import type { Loader } from './load-options.js'
import { FORMATS, type Packed, type Packing } from './packing.js'
import { type NamedTtls, type Policy, parseTtl } from './policy.js'
import type { Reporter } from './reporter.js'
import { type Loaded, runLoader } from './run-loader.js'

/** One value to read, or to compute when it is missing. */
export interface LoadRequest {
  readonly address: Address
  /** Names the value in events and errors. */
  readonly template: string | undefined
  readonly load: Loader<unknown>
  /** Asked for only when something must be computed. */
  policy(): Policy
  /** Canonical tags that the value tells. */
  readonly tagsOf: ((value: unknown) => readonly string[]) | undefined
  readonly storeIf: ((value: unknown) => boolean) | undefined
  readonly signal: AbortSignal | undefined
  /** Compute anew in any case. */
  readonly refresh: boolean
}

/** How long a computation holds its key without a sign of life; twice that, and another process takes over. */
const LEASE_MS = 1_500
/** How often a process that waits for another looks for itself, should it not be told. */
const POLL_MS = 100
/** How often a caller may meet a computation that was voided under way before it computes for itself alone. */
const MAX_VOIDED = 3

/**
 * Reads through a store: hit, stale while revalidating, or computed once for everybody.
 *
 * In this process callers share one computation; across processes the lease decides. Who joined a computation that was voided by an
 * invalidation asks again, for the invalidation may have returned before it joined.
 */
export class ReadThrough {
  readonly #store: CacheStore
  readonly #packing: Packing
  readonly #ttls: NamedTtls
  readonly #clock: Clock
  readonly #reporter: Reporter
  readonly #flights = new Map<string, Flight>()

  constructor(parts: {
    readonly store: CacheStore
    readonly packing: Packing
    readonly ttls: NamedTtls
    readonly clock: Clock
    readonly reporter: Reporter
  }) {
    this.#store = parts.store
    this.#packing = parts.packing
    this.#ttls = parts.ttls
    this.#clock = parts.clock
    this.#reporter = parts.reporter
  }

  async get(request: LoadRequest): Promise<unknown> {
    const { key } = request.address
    let waitUntil: number | undefined
    let voided = 0
    for (;;) {
      const flight = request.refresh ? undefined : this.#flights.get(key)
      if (flight !== undefined && voided < MAX_VOIDED) {
        const outcome = await flight.join(request.policy().softTimeoutMs, request.signal)
        if (outcome.trusted) return outcome.open()
        voided++
        continue
      }
      const claim = voided < MAX_VOIDED ? await this.#claim(request) : undefined
      if (claim === undefined) return this.#compute(request, undefined, undefined)
      const answer = this.#answer(request, claim)
      if (answer !== undefined) return answer.open()
      if (claim.lease !== undefined) return this.#compute(request, claim.lease, claim.entry)
      if (this.#flights.has(key) && !request.refresh) continue
      const now = this.#clock.elapsed()
      waitUntil ??= now + request.policy().timeoutMs
      if (now >= waitUntil) return this.#compute(request, undefined, claim.entry)
      await this.#store.settled(key, Math.min(POLL_MS * (0.75 + Math.random() / 2), waitUntil - now), request.signal)
      request.signal?.throwIfAborted()
    }
  }

  /** Lets nobody join what was computed from before an invalidation in this process. */
  detach(keys?: readonly string[]): void {
    if (keys === undefined) this.#flights.clear()
    else for (const key of keys) this.#flights.delete(key)
  }

  async #claim(request: LoadRequest): Promise<Claim | undefined> {
    try {
      return await this.#store.claim(request.address, { mode: request.refresh ? 'steal' : 'need', leaseMs: LEASE_MS })
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure('claim', error, request.template)
      return undefined
    }
  }

  /** What can be answered at once: a fresh value, or a stale one while it is computed anew. */
  #answer(request: LoadRequest, { entry, lease }: Claim): { open(): unknown } | undefined {
    if (entry === undefined || request.refresh) return undefined
    const fresh = entry.freshForMs > 0
    if (!fresh && entry.staleForMs <= 0) return undefined
    const value = this.#packing.unpack(entry.body, entry.format)
    this.#reporter.hit(!fresh, request.template)
    if (fresh && lease === undefined) this.#maybeEarly(request, entry)
    if (lease !== undefined)
      this.#launch(request, lease, entry)
        .join(undefined, undefined)
        .catch(() => {})
    return { open: () => value }
  }

  /** XFetch: the nearer the expiry and the dearer the value, the likelier that this caller has it computed anew in the background. */
  #maybeEarly(request: LoadRequest, entry: StoredEntry): void {
    const { early } = request.policy()
    if (early === 0 || entry.costMs * early * -Math.log(Math.random()) < entry.freshForMs) return
    void this.#refreshEarly(request).catch((error: unknown) =>
      this.#reporter.failure('refresh', error, request.template),
    )
  }

  async #refreshEarly(request: LoadRequest): Promise<void> {
    const { entry, lease } = await this.#store.claim(request.address, { mode: 'refresh', leaseMs: LEASE_MS })
    if (lease !== undefined) await this.#launch(request, lease, entry).join(undefined, undefined)
  }

  async #compute(request: LoadRequest, lease: Lease | undefined, entry: StoredEntry | undefined): Promise<unknown> {
    this.#reporter.miss(request.template)
    const flight = this.#launch(request, lease, entry)
    const outcome = await flight.join(request.policy().softTimeoutMs, request.signal)
    return outcome.open()
  }

  #launch(request: LoadRequest, lease: Lease | undefined, entry: StoredEntry | undefined): Flight {
    const mayServe = entry !== undefined && entry.graceForMs > 0
    const old = (): unknown => (entry === undefined ? undefined : this.#packing.unpack(entry.body, entry.format))
    const flight = new Flight(mayServe ? old : undefined)
    this.#flights.set(request.address.key, flight)
    flight.start(() => this.#run(request, flight, lease, old))
    return flight
  }

  async #run(request: LoadRequest, flight: Flight, lease: Lease | undefined, stale: () => unknown): Promise<Outcome> {
    const { key } = request.address
    const policy = request.policy()
    const heartbeat = lease && setInterval(() => void lease.renew(LEASE_MS).catch(() => {}), LEASE_MS / 3)
    heartbeat?.unref()
    const began = this.#clock.elapsed()
    try {
      const loaded = await runLoader(request.load, {
        what: request.template === undefined ? 'a value' : `'${request.template}'`,
        timeoutMs: policy.timeoutMs,
        controller: flight.controller,
        stale,
      })
      const costMs = this.#clock.elapsed() - began
      // Before it is stored: who comes now must not join, for an invalidation may have returned after the store has looked.
      const untouched = this.#flights.get(key) === flight
      if (untouched) this.#flights.delete(key)
      return await this.#finish(request, policy, loaded, { lease, costMs, untouched })
    } catch (error) {
      await lease?.release().catch(() => {})
      throw error
    } finally {
      clearInterval(heartbeat)
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
  }

  async #finish(
    request: LoadRequest,
    policy: Policy,
    loaded: Loaded,
    run: { readonly lease: Lease | undefined; readonly costMs: number; readonly untouched: boolean },
  ): Promise<Outcome> {
    const { template } = request
    const { value } = loaded
    const packed = this.#pack(value)
    const open = packed === undefined ? () => value : () => this.#packing.unpack(packed.body, packed.format)
    const entry = packed && this.#entry(request, policy, loaded, packed, run.costMs)
    try {
      if (run.lease === undefined) {
        this.#reporter.fill(run.costMs, 'unavailable', template)
        return { open, trusted: run.untouched }
      }
      if (entry === undefined) {
        this.#reporter.fill(run.costMs, 'no-store', template)
        return { open, trusted: await run.lease.release() }
      }
      const stored = await run.lease.fill(entry)
      this.#reporter.fill(run.costMs, stored ? undefined : 'fenced', template)
      return { open, trusted: stored }
    } catch (error) {
      if (!isAway(error)) throw error
      this.#reporter.failure('fill', error, template)
      return { open, trusted: run.untouched }
    }
  }

  #pack(value: unknown): Packed | undefined {
    return value === undefined ? undefined : this.#packing.pack(value)
  }

  /** The entry to store, or `undefined` when loader or options say not to. */
  #entry(request: LoadRequest, policy: Policy, loaded: Loaded, packed: Packed, costMs: number): NewEntry | undefined {
    const { value } = loaded
    if (!loaded.store || request.storeIf?.(value) === false) return undefined
    const fullMs = this.#freshMs(policy, loaded)
    const freshMs = Math.max(1, Math.round(fullMs * (1 - policy.jitter * Math.random())))
    const tags = [...loaded.tags, ...(request.tagsOf?.(value) ?? [])]
    return {
      ...packed,
      freshMs,
      staleMs: freshMs + policy.swrMs,
      graceMs: freshMs + policy.staleIfErrorMs,
      peekMs: Math.max(0, freshMs - policy.early * costMs * -Math.log(Math.random())),
      costMs,
      ...(tags.length > 0 ? { extraGuards: tags.map(canonicalTagGuard) } : {}),
    }
  }

  #freshMs(policy: Policy, { value, ttl }: Loaded): number {
    if (ttl !== undefined) return parseTtl(ttl, this.#ttls, 'setTtl')
    return value === null && policy.negativeMs !== undefined ? policy.negativeMs : policy.freshMs
  }
}

/** Formats that mean a value, whatever the codec. */
export const VALUE_FORMATS: ReadonlySet<number> = new Set([FORMATS.count, FORMATS.value])
