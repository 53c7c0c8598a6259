import { isAway } from './away.js'
import type { CacheStore, Claim, Lease, StoredEntry } from './cache-backend.js'
import { CacheOptionError } from './cache-errors.js'
import { Computing, type ComputingParts, earlyMs } from './computing.js'
import { FailureMemory } from './failure-memory.js'
import { Flight, type Outcome } from './flight.js'
import { LEASE_MS } from './lease-heartbeat.js'
import type { LoadRequest } from './load-request.js'
import { waitFor } from './wait-for.js'

/** How often a process that waits for another looks for itself, should it not be told. Milliseconds. */
const POLL_MS = 100
/** How often a caller may meet a computation that was voided under way before it computes for itself alone. */
const MAX_VOIDED = 3
/** An entry is never computed earlier than this many times its cost before expiry: the chance would be e^-40. */
const NEVER_EARLIER = 40

/**
 * Reads through a store: hit, stale while revalidating, or computed once for everybody.
 *
 * In this process callers share one computation; across processes the lease decides. Who joined a computation that was voided by an
 * invalidation asks again, for the invalidation may have returned before it joined.
 */
export class ReadThrough {
  readonly #store: CacheStore
  readonly #pending: PendingView
  readonly #parts: ComputingParts
  readonly #computing: Computing
  readonly #failures: FailureMemory
  readonly #flights = new Map<string, Flight>()
  readonly #watches = new Map<string, Watch>()

  constructor(store: CacheStore, parts: ComputingParts, pending: PendingView) {
    this.#store = store
    this.#pending = pending
    this.#parts = parts
    this.#computing = new Computing(parts)
    this.#failures = new FailureMemory(parts.clock)
  }

  /** `usable`: whether the store may be asked; otherwise the value is computed for those who ask now, and stored nowhere. */
  async get(request: LoadRequest, usable: boolean): Promise<unknown> {
    const watch = new Watch()
    try {
      return await this.#get(request, usable, watch)
    } finally {
      watch.end()
    }
  }

  async #get(request: LoadRequest, usable: boolean, watch: Watch): Promise<unknown> {
    const { key } = request.address
    const { clock } = this.#parts
    let waitUntil: number | undefined
    let voided = 0
    for (;;) {
      const flight = request.refresh || voided >= MAX_VOIDED ? undefined : this.#flights.get(key)
      if (flight !== undefined) {
        watch.end()
        const outcome = await flight.join(request.policy().softTimeoutMs, request.signal)
        if (outcome.trusted) return outcome.open()
        voided++
        continue
      }
      const failure = request.refresh ? undefined : this.#failures.recent(key)
      if (failure !== undefined) {
        const older = await this.#older(request, usable)
        if (older !== undefined) return older.value
        if (request.policy().errorMs > 0) throw failure.error
      }
      const claim = usable && voided < MAX_VOIDED ? await this.#claim(request) : undefined
      if (claim === undefined || claim.lease !== undefined) watch.end()
      if (claim === undefined) {
        // Somebody else may have found out earlier that the store is away.
        if (usable && !request.refresh && voided < MAX_VOIDED && this.#flights.has(key)) continue
        // Voided too often: whoever joined without a lease would not learn of it when it is voided once more.
        if (usable && voided >= MAX_VOIDED) return this.#computeAlone(request, undefined)
        return this.#compute(request, undefined, undefined)
      }
      if (claim.entry !== undefined && this.#pending.isVoid(claim.entry)) {
        await claim.lease?.release().catch(() => {})
        return this.#compute(request, undefined, undefined)
      }
      const answer = this.#answer(request, claim)
      if (answer !== undefined) return answer.value
      if (claim.lease === undefined && (claim.entry?.freshForMs ?? 0) > 0) {
        // It could not be decoded, and would be found again and again.
        await this.#attempt(request, 'remove', () => this.#store.remove([key]))
        continue
      }
      if (claim.lease !== undefined) return this.#compute(request, claim.lease, claim.entry)
      if (!request.refresh && this.#flights.has(key)) continue
      const now = clock.elapsed()
      waitUntil ??= now + request.policy().timeoutMs
      if (now >= waitUntil) return this.#computeAlone(request, claim.entry)
      await this.#waitForOthers(request, watch, waitUntil - now)
      request.signal?.throwIfAborted()
    }
  }

  /** Lets nobody join what was computed from before an invalidation in this process. */
  detach(keys?: readonly string[]): void {
    if (keys === undefined) this.#flights.clear()
    else for (const key of keys) this.#flights.delete(key)
  }

  /** Waits for whoever computes in another process. One in this process watches, the others wait for what it finds. */
  async #waitForOthers({ address, signal }: LoadRequest, watch: Watch, mostMs: number): Promise<void> {
    const { key } = address
    const other = this.#watches.get(key)
    if (other !== undefined && other !== watch) {
      await waitFor((wake) => void other.ended.then(wake), mostMs, signal)
      return
    }
    if (other === undefined) {
      this.#watches.set(key, watch)
      watch.begin(() => this.#watches.delete(key))
    }
    const pollMs = POLL_MS * (0.75 + Math.random() / 2)
    await this.#store.settled(key, Math.min(pollMs, mostMs), signal)
  }

  async #claim(request: LoadRequest): Promise<Claim | undefined> {
    const mode = request.refresh ? 'steal' : 'need'
    try {
      return await this.#store.claim(request.address, { mode, leaseMs: LEASE_MS })
    } catch (error) {
      return this.#goOn(error, 'claim', request)
    }
  }

  /** What can be answered at once: a fresh value, or a stale one while it is computed anew. */
  #answer(request: LoadRequest, { entry, lease }: Claim): Opened | undefined {
    if (entry === undefined || request.refresh) return undefined
    const freshForMs = entry.freshForMs
    if (freshForMs <= 0 && entry.staleForMs <= 0) return undefined
    const opened = this.#open(request, entry)
    if (opened === undefined) return undefined
    this.#parts.reporter.hit(freshForMs <= 0, request.template)
    if (lease !== undefined) this.#launch(request, lease, entry)
    else if (freshForMs > 0 && entry.costMs * NEVER_EARLIER >= freshForMs) this.#maybeEarly(request, entry)
    return opened
  }

  /** Something older, while the last computation failed a moment ago. */
  async #older(request: LoadRequest, usable: boolean): Promise<Opened | undefined> {
    if (!usable) return undefined
    const entry = await this.#attempt(request, 'read', () => this.#store.read(request.address))
    if (entry === undefined || this.#pending.isVoid(entry)) return undefined
    const mayServe = Math.max(entry.freshForMs, entry.staleForMs, entry.graceForMs) > 0
    const opened = mayServe ? this.#open(request, entry) : undefined
    if (opened !== undefined) this.#parts.reporter.hit(true, request.template)
    return opened
  }

  /** Has a fresh value computed anew before it expires, by chance. Nobody waits for it. */
  #maybeEarly(request: LoadRequest, entry: StoredEntry): void {
    if (earlyMs(request.policy(), entry.costMs) < entry.freshForMs) return
    const claim = (): Promise<Claim> => this.#store.claim(request.address, { mode: 'refresh', leaseMs: LEASE_MS })
    void this.#attempt(request, 'refresh', claim).then((claimed) => {
      if (claimed?.lease !== undefined) this.#launch(request, claimed.lease, claimed.entry)
    })
  }

  async #compute(request: LoadRequest, lease: Lease | undefined, entry: StoredEntry | undefined): Promise<unknown> {
    this.#parts.reporter.miss(request.template)
    const flight = this.#launch(request, lease, entry)
    const outcome = await flight.join(request.policy().softTimeoutMs, request.signal)
    return outcome.open()
  }

  /** Computes for one caller, without a lease: nobody may join, because nothing tells whether another process voids it under way. */
  async #computeAlone(request: LoadRequest, entry: StoredEntry | undefined): Promise<unknown> {
    this.#parts.reporter.miss(request.template)
    const flight = this.#start(request, undefined, entry)
    const outcome = await flight.join(request.policy().softTimeoutMs, request.signal)
    return outcome.open()
  }

  /** Starts a computation that others may join. */
  #launch(request: LoadRequest, lease: Lease | undefined, entry: StoredEntry | undefined): Flight {
    return this.#start(request, lease, entry, (flight) => this.#flights.set(request.address.key, flight))
  }

  /** Starts a computation, which goes on whether or not anybody waits for it. */
  #start(
    request: LoadRequest,
    lease: Lease | undefined,
    entry: StoredEntry | undefined,
    show?: (flight: Flight) => void,
  ): Flight {
    const older = entry === undefined ? undefined : this.#open(request, entry)
    const mayServe = older !== undefined && entry !== undefined && Math.max(entry.graceForMs, entry.staleForMs) > 0
    const stale = (): unknown => (entry === undefined ? undefined : this.#open(request, entry)?.value)
    const flight = new Flight(mayServe ? stale : undefined)
    show?.(flight)
    flight.start(() => this.#run(request, flight, lease, stale))
    return flight
  }

  async #run(request: LoadRequest, flight: Flight, lease: Lease | undefined, stale: () => unknown): Promise<Outcome> {
    const { key } = request.address
    const land = (): boolean => {
      const untouched = this.#flights.get(key) === flight
      if (untouched) this.#flights.delete(key)
      return untouched
    }
    try {
      // It lands before it is stored: who came later must not join, for an invalidation may return after the store has looked.
      const outcome = await this.#computing.run(request, {
        lease,
        controller: flight.controller,
        stale,
        onComputed: land,
      })
      this.#failures.forget(key)
      return outcome
    } catch (error) {
      land()
      this.#failures.remember(key, error, request.policy().errorMs, flight.fallback !== undefined)
      throw error
    }
  }

  /** An entry that cannot be decoded was not written by this cache, or by another version of it: it counts as missing. */
  #open({ address, template, check }: LoadRequest, entry: StoredEntry): Opened | undefined {
    try {
      const value = this.#parts.packing.unpack(entry.body, entry.format, address.key)
      return { value: check === undefined ? value : check(value) }
    } catch (error) {
      if (error instanceof CacheOptionError) throw error
      this.#parts.reporter.refused(template)
      return undefined
    }
  }

  /** What the store answers, or `undefined` when it is away. */
  async #attempt<Answer>(
    request: LoadRequest,
    operation: string,
    ask: () => Promise<Answer>,
  ): Promise<Answer | undefined> {
    try {
      return await ask()
    } catch (error) {
      return this.#goOn(error, operation, request)
    }
  }

  /** An outage is reported, and the answer is nothing; anything else is thrown. */
  #goOn(error: unknown, operation: string, { template }: LoadRequest): undefined {
    if (!isAway(error)) throw error
    this.#parts.reporter.failure(operation, error, template)
  }
}

/** One caller's look at what another process computes, on behalf of every caller here; it ends when there is something else to do than wait. */
class Watch {
  #end: (() => void) | undefined
  #ended: Promise<void> = Promise.resolve()

  get ended(): Promise<void> {
    return this.#ended
  }

  begin(onEnd: () => void): void {
    this.#ended = new Promise((resolve) => {
      this.#end = () => {
        onEnd()
        resolve()
      }
    })
  }

  end(): void {
    this.#end?.()
    this.#end = undefined
  }
}

/** What a {@link ReadThrough} asks about invalidations that the store has not heard of yet. */
export interface PendingView {
  isVoid(entry: StoredEntry): boolean
}

/** A value that was decoded; it may be `undefined`. */
interface Opened {
  readonly value: unknown
}
