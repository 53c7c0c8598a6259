import type { Clock } from '@plinth/core'
import { isAway } from './away.js'
import type { Lease, NewEntry } from './cache-backend.js'
import { CacheValueError } from './cache-errors.js'
import type { Outcome } from './flight.js'
import { canonicalTagGuard } from './keys/guards.js'
import { keepLease } from './lease-heartbeat.js'
import type { LoadRequest } from './load-request.js'
import type { Packed, Packing } from './packing.js'
import { type NamedTtls, type Policy, parseTtl } from './policy.js'
import type { Reporter } from './reporter.js'
import { type Loaded, runLoader } from './run-loader.js'

/** What computing a value needs of its cache. */
export interface ComputingParts {
  readonly packing: Packing
  readonly ttls: NamedTtls
  readonly clock: Clock
  readonly reporter: Reporter
}

/** How one value is computed. */
export interface ComputeRun {
  readonly lease: Lease | undefined
  readonly controller: AbortController
  /** Opens the value it replaces. */
  readonly stale: () => unknown
  /** Called when the value is there, before it is stored: answers whether nothing in this process voided it meanwhile. */
  readonly onComputed: () => boolean
}

/** Runs loaders and stores what they give, under a lease that is renewed as long as they run. */
export class Computing {
  readonly #parts: ComputingParts

  constructor(parts: ComputingParts) {
    this.#parts = parts
  }

  async run(request: LoadRequest, run: ComputeRun): Promise<Outcome> {
    const { clock } = this.#parts
    const { lease, controller, stale } = run
    const stopKeeping = lease && keepLease(lease)
    const began = clock.elapsed()
    try {
      const policy = request.policy() // may refuse an option: the lease must not outlast that
      const what = request.template === undefined ? 'a value' : `'${request.template}'`
      const loaded = await runLoader(request.load, { what, timeoutMs: policy.timeoutMs, controller, stale })
      return await this.#finish(request, loaded, run, clock.elapsed() - began)
    } catch (error) {
      await lease?.release().catch(() => {})
      throw error
    } finally {
      stopKeeping?.()
    }
  }

  async #finish(request: LoadRequest, loaded: Loaded, run: ComputeRun, costMs: number): Promise<Outcome> {
    const { packing, reporter } = this.#parts
    const { template, address } = request
    const { lease } = run
    const packed = packing.pack(loaded.value, address.key)
    const entry = this.#entry(request, loaded, packed, costMs)
    const open = (): unknown => packing.unpack(packed.body, packed.format, address.key)
    const untouched = run.onComputed()
    if (lease === undefined) {
      reporter.fill(costMs, 'unavailable', template)
      return { open, trusted: untouched }
    }
    try {
      const held = entry === undefined ? await lease.release() : await lease.fill(entry)
      reporter.fill(costMs, entry === undefined ? 'no-store' : held ? undefined : 'fenced', template)
      return { open, trusted: held }
    } catch (error) {
      if (!isAway(error) && !(error instanceof CacheValueError)) throw error
      reporter.failure('fill', error, template)
      return { open, trusted: untouched }
    }
  }

  /** The entry to store, or `undefined` when loader or options say not to. */
  #entry(request: LoadRequest, loaded: Loaded, packed: Packed, costMs: number): NewEntry | undefined {
    const policy = request.policy()
    const fullMs = this.#freshMs(policy, loaded)
    if (fullMs === undefined || !loaded.store || request.storeIf?.(loaded.value) === false) return undefined
    const freshMs = Math.max(1, Math.round(fullMs * (1 - policy.jitter * Math.random())))
    const tags = [...loaded.tags, ...(request.tagsOf?.(loaded.value) ?? [])]
    return {
      ...packed,
      freshMs,
      staleMs: freshMs + policy.swrMs,
      graceMs: freshMs + policy.staleIfErrorMs,
      peekMs: Math.max(0, freshMs - earlyMs(policy, costMs)),
      costMs,
      ...(tags.length > 0 ? { extraGuards: tags.map(canonicalTagGuard) } : {}),
    }
  }

  /** How long the value is fresh, before chance; `undefined`: it is not stored. */
  #freshMs(policy: Policy, { value, ttl }: Loaded): number | undefined {
    if (value === undefined) return policy.negativeMs
    if (ttl !== undefined) return parseTtl(ttl, this.#parts.ttls, 'setTtl')
    return value === null && policy.negativeMs !== undefined ? policy.negativeMs : policy.freshMs
  }
}

/**
 * How long before expiry a value that took `costMs` is computed anew, by chance: the dearer, the earlier.
 *
 * Source: XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).
 */
export function earlyMs({ early }: Policy, costMs: number): number {
  return early === 0 ? 0 : costMs * early * -Math.log(1 - Math.random())
}
