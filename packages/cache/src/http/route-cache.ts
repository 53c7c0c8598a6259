import type { Cache } from '../cache.js'
import type { SlotLease } from '../cache-slots.js'
import { type Admission, admit, sharing } from './admission.js'
import type { CacheStatus, ForwardReason } from './cache-status.js'
import { FillSession } from './fill-session.js'
import { type FreshnessWish, NO_WISH } from './freshness.js'
import { gatewayTimeout } from './gateway-timeout.js'
import type { PriorFields } from './header-fields.js'
import { HitAnswers } from './hit-answers.js'
import type { UnkeyedRead } from './observed-headers.js'
import type { OutgoingResponse } from './outgoing-response.js'
import { passSession } from './pass-session.js'
import { isNotModified } from './precondition.js'
import { PutSession } from './put-session.js'
import { currentRefresh, runRefresh } from './refresh.js'
import { RefusalMemory } from './refusal-memory.js'
import type { RequestFacts } from './request-facts.js'
import type { RouteKey } from './route-key.js'
import { RouteKeys } from './route-keys.js'
import type { RoutePolicy } from './route-policy.js'
import type { RouteSession } from './route-session.js'
import { type Found, SlotSearch } from './slot-search.js'
import type { Refusal } from './storability.js'
import { type AnswerContext, type AnswerSettings, answerFromStored } from './stored-answer.js'
import { ageMs, freshForMs, type StoredResponse } from './stored-response.js'

/** What a {@link RouteCache} is made of. */
export interface RouteCacheParts extends AnswerSettings {
  readonly cache: Pick<Cache, 'slots'>
  readonly now?: () => number
  /** Learns of every response that was not stored. */
  readonly onRefusal?: (refusal: RouteRefusal) => void
  /** Learns what a handler read without telling answers apart by it. Such an answer is not stored. Absent: nobody looks. */
  readonly onUnkeyedRead?: ((read: UnkeyedRead) => void) | undefined
}

/** A response of a cached route that was not stored. */
export interface RouteRefusal {
  readonly route: string
  readonly reason: Refusal
}

/** One request of a cached route. */
export interface RouteRequest {
  readonly facts: RequestFacts
  /** What middleware has set so far. */
  readonly prior: PriorFields
  /** Plays the same request once more, to nobody: how a stale answer is renewed in the background. */
  replay(): Promise<void>
}

/** How a request of a cached route goes on: with an answer, or through the handler. */
export type Opening =
  | { readonly kind: 'answer'; readonly response: OutgoingResponse }
  | { readonly kind: 'handler'; readonly session: RouteSession }

/** How long a request waits for another one that is computing the same answer, in milliseconds. */
const WAIT_MS = 5_000

/** The cache of an application's routes: decides for each request whether an answer is at hand, and for each answer whether it is kept. */
export class RouteCache {
  readonly #parts: RouteCacheParts
  readonly #now: () => number
  readonly #refused = new RefusalMemory()
  readonly #keys = new RouteKeys()
  readonly #search: SlotSearch
  readonly #hits: HitAnswers

  constructor(parts: RouteCacheParts) {
    this.#parts = parts
    this.#now = parts.now ?? Date.now
    this.#search = new SlotSearch(parts.cache.slots)
    this.#hits = new HitAnswers(parts)
  }

  /**
   * Decides how one request goes on: at once where the answer is at hand, else with a promise.
   *
   * Throws or rejects only for a mistake in the route's options; an outage of the cache is a miss.
   */
  open(policy: RoutePolicy, request: RouteRequest): Opening | Promise<Opening> {
    const { facts } = request
    if (facts.method !== 'GET' && facts.method !== 'HEAD') return this.#pass(policy, request, { fwd: 'method' })
    const admission = admit(policy, facts)
    if (typeof admission === 'string') return this.#pass(policy, request, { fwd: 'bypass', detail: admission })
    const key = this.#keys.of(policy, facts)
    const response = this.#atHand(policy, request, key, admission)
    return response === undefined ? this.#look(policy, request, key, admission) : { kind: 'answer', response }
  }

  /**
   * Prepares a request, usually an unsafe one, to put its answer in the place of what `GET` for the same path would get.
   *
   * Rejects only for a mistake in the route's options.
   */
  async put(policy: RoutePolicy, { facts, prior }: Omit<RouteRequest, 'replay'>): Promise<PutSession> {
    const needsPermission = sharing(policy, facts)
    const asked = { ...facts, method: 'GET', headers: { ...facts.headers } }
    const key = this.#keys.of(policy, asked)
    const found = typeof needsPermission === 'string' ? undefined : await this.#search.acquire(key, facts.headers, true)
    const admission = { needsPermission: needsPermission === true, wish: NO_WISH, onlyIfCached: false }
    return new PutSession({
      witness: found?.lease,
      keepsBytes: policy.maxBodyBytes,
      fill: async () => {
        const { lease } = await this.#search.acquire(key, asked.headers, true)
        if (lease === undefined) return undefined
        return this.#fillSession(policy, { facts: asked, prior }, key, admission, undefined, 'method', lease)
      },
    })
  }

  /** Answers from what is fresh and in this process already. */
  #atHand(
    policy: RoutePolicy,
    request: RouteRequest,
    key: RouteKey,
    admission: Admission,
  ): OutgoingResponse | undefined {
    const stored = this.#search.peek(key, request.facts.headers)
    if (stored === undefined || (admission.needsPermission && !stored.sharesWithCredentials)) return undefined
    const context = this.#context(policy, request)
    const leftMs = freshForMs(stored, context.now)
    if (leftMs <= 0 || !meets(admission.wish, stored, leftMs, context.now) || currentRefresh() !== undefined) {
      return undefined
    }
    return this.#hits.answer(stored, context)
  }

  async #look(policy: RoutePolicy, request: RouteRequest, key: RouteKey, admission: Admission): Promise<Opening> {
    const { facts } = request
    const refresh = currentRefresh()
    if (refresh?.take(key.key) === true) {
      return this.#fill(policy, request, key, admission, refresh.stale, 'stale', refresh.lease)
    }
    const mayFill = facts.method === 'GET' && !admission.onlyIfCached && !admission.needsPermission
    if (mayFill && facts.headers['if-none-match'] !== undefined) {
      const response = await this.#unchanged(policy, request, key, admission)
      if (response !== undefined) return { kind: 'answer', response }
    }
    const found = mayFill
      ? await this.#search.acquire(key, facts.headers)
      : await this.#search.read(key, facts.headers, facts.method === 'HEAD' ? 'head' : 'all')
    const stored = admission.needsPermission && found.stored?.sharesWithCredentials !== true ? undefined : found.stored
    const { lease } = found
    const answer = stored === undefined ? undefined : this.#reuse(policy, request, key, { stored, lease }, admission)
    if (answer !== undefined) return { kind: 'answer', response: answer }
    if (admission.onlyIfCached) return { kind: 'answer', response: gatewayTimeout(this.#parts.name) }
    return this.#forward(policy, request, key, admission, { ...found, stored })
  }

  /** Answers 304 by the head of what is stored, whose body nobody needs then. */
  async #unchanged(
    policy: RoutePolicy,
    request: RouteRequest,
    key: RouteKey,
    admission: Admission,
  ): Promise<OutgoingResponse | undefined> {
    const { headers } = request.facts
    const { stored } = await this.#search.read(key, headers, 'head')
    const known = stored?.status === 200 && freshForMs(stored, this.#now()) > 0 && isNotModified(headers, stored.fields)
    return known ? this.#reuse(policy, request, key, { stored }, admission) : undefined
  }

  /** Answers from what is stored, if that is fresh enough or may be served stale. */
  #reuse(
    policy: RoutePolicy,
    request: RouteRequest,
    key: RouteKey,
    { stored, lease }: { readonly stored: StoredResponse; readonly lease?: SlotLease | undefined },
    { wish }: Admission,
  ): OutgoingResponse | undefined {
    const context = this.#context(policy, request)
    const leftMs = freshForMs(stored, context.now)
    if (!meets(wish, stored, leftMs, context.now)) return undefined
    const fresh = leftMs > 0
    const renewable = leftMs + stored.swrMs > 0
    if (!fresh && (stored.mustRevalidate || !(renewable || leftMs + wish.maxStaleMs > 0))) return undefined
    if (lease !== undefined && renewable && !fresh)
      void runRefresh({ key: key.key, lease, stale: stored }, () => request.replay())
    else void lease?.release()
    if (fresh) return this.#hits.answer(stored, context)
    const detail = renewable ? 'stale-while-revalidate' : 'max-stale'
    const status: CacheStatus = { hit: true, ttl: seconds(leftMs), detail }
    return answerFromStored(stored, status, context, this.#parts)
  }

  async #forward(
    policy: RoutePolicy,
    request: RouteRequest,
    key: RouteKey,
    admission: Admission,
    found: Found,
  ): Promise<Opening> {
    const { stored } = found
    const fwd = this.#whyForwarded(found)
    if (request.facts.method === 'HEAD') return this.#pass(policy, request, { fwd })
    let lease = found.lease
    if (found.settled !== undefined && stored === undefined && !this.#refused.remembers(found.key.key, this.#now())) {
      await found.settled(WAIT_MS)
      const again = await this.#search.acquire(key, request.facts.headers)
      if (again.stored !== undefined && freshForMs(again.stored, this.#now()) > 0) {
        await again.lease?.release()
        return { kind: 'answer', response: this.#collapsed(policy, request, fwd, again.stored) }
      }
      lease = again.lease
    } else if (lease === undefined && found.settled === undefined && !found.away) {
      lease = (await this.#search.acquire(key, request.facts.headers, true)).lease
    }
    return this.#fill(policy, request, { ...key, key: found.key.key }, admission, stored, fwd, lease)
  }

  #whyForwarded({ stored, variesOnly }: Found): ForwardReason {
    if (stored === undefined) return variesOnly ? 'vary-miss' : 'uri-miss'
    return freshForMs(stored, this.#now()) > 0 ? 'request' : 'stale'
  }

  #collapsed(policy: RoutePolicy, request: RouteRequest, fwd: ForwardReason, stored: StoredResponse): OutgoingResponse {
    const context = this.#context(policy, request)
    const ttl = seconds(freshForMs(stored, context.now))
    return answerFromStored(stored, { hit: false, fwd, ttl, collapsed: true }, context, this.#parts)
  }

  #fill(
    policy: RoutePolicy,
    request: RouteRequest,
    key: RouteKey,
    admission: Admission,
    stale: StoredResponse | undefined,
    fwd: ForwardReason,
    lease: SlotLease | undefined,
  ): Opening {
    // The adapter changes the request's headers for the handler; what was asked is still to be known afterwards.
    const facts = { ...request.facts, headers: { ...request.facts.headers } }
    const asked = { facts, prior: request.prior }
    return { kind: 'handler', session: this.#fillSession(policy, asked, key, admission, stale, fwd, lease) }
  }

  #fillSession(
    policy: RoutePolicy,
    { facts, prior }: Omit<RouteRequest, 'replay'>,
    key: RouteKey,
    admission: Admission,
    stale: StoredResponse | undefined,
    fwd: ForwardReason,
    lease: SlotLease | undefined,
  ): FillSession {
    return new FillSession({
      context: { policy, facts, prior },
      settings: this.#parts,
      now: this.#now,
      lease,
      fwd,
      stale,
      seed: key.seed,
      defaultTtlMs: this.#parts.cache.slots.defaultTtlMs,
      needsPermission: admission.needsPermission,
      onUnkeyedRead: this.#parts.onUnkeyedRead,
      settled: (reason) => {
        if (reason === undefined || lease === undefined) return
        this.#refused.remember(key.key, this.#now())
        this.#parts.onRefusal?.({ route: facts.route, reason })
      },
    })
  }

  #pass(policy: RoutePolicy, request: RouteRequest, status: { fwd: ForwardReason; detail?: string }): Opening {
    const session = passSession({ hit: false, ...status }, this.#context(policy, request), this.#parts)
    return { kind: 'handler', session }
  }

  #context(policy: RoutePolicy, { facts, prior }: RouteRequest): AnswerContext {
    return { policy, facts, prior, now: this.#now() }
  }
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}

/** Whether a stored response is as new as the client wishes. */
function meets(wish: FreshnessWish, stored: StoredResponse, leftMs: number, now: number): boolean {
  if (wish === NO_WISH) return true
  const tooOld = ageMs(stored, now) > wish.maxAgeMs || (wish.minFreshMs > 0 && leftMs < wish.minFreshMs)
  return !(wish.noCache || tooOld)
}
