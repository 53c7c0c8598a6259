import type { SlotLease } from '../cache-slots.js'
import { parseCacheControl } from './cache-control.js'
import type { CacheStatus, ForwardReason } from './cache-status.js'
import { weakEntityTag } from './entity-tag.js'
import { changesBetween, type FieldChanges, replacement } from './field-changes.js'
import { initialAgeMs } from './freshness.js'
import { fieldLine, type HeaderFields } from './header-fields.js'
import { formatHttpDate } from './http-date.js'
import type { QuerySelection } from './keyed-query.js'
import { lifetimeOf } from './lifetime.js'
import { ObservedHeaders, type UnkeyedRead } from './observed-headers.js'
import { applyConditions, type OutgoingResponse } from './outgoing-response.js'
import { CONDITIONAL_FIELDS } from './precondition.js'
import type { RouteSession } from './route-session.js'
import { type CapturedResponse, type Refusal, refusal, sharesWithCredentials } from './storability.js'
import {
  type AnswerContext,
  type AnswerSettings,
  answerFromStored,
  appendStatus,
  setSharedFields,
} from './stored-answer.js'
import { fieldsToStore, renewedFields } from './stored-fields.js'
import { encodeHead, freshForMs, type StoredResponse } from './stored-response.js'
import { variantOf, variedBy } from './variant.js'

/** What a fill needs to know beyond the request. */
export interface FillOptions {
  readonly context: Omit<AnswerContext, 'now'>
  readonly settings: AnswerSettings
  readonly now: () => number
  /** `undefined`: the response goes to this client only. */
  readonly lease: SlotLease | undefined
  readonly fwd: ForwardReason
  /** What lies in the cache already, stale: to be renewed, or to cover up an error. */
  readonly stale: StoredResponse | undefined
  /** What entity tags are bound to. */
  readonly seed: string
  readonly defaultTtlMs: number
  /** The response is stored only if it allows reuse for requests with credentials. */
  readonly needsPermission: boolean
  /** Learns what the handler read without telling answers apart by it; then they are not stored. Absent: nobody looks. */
  readonly onUnkeyedRead?: ((read: UnkeyedRead) => void) | undefined
  /** Learns what became of the fill. */
  readonly settled: (refused: Refusal | undefined) => void
}

/** How long a stale response with a validator is kept so that it can be renewed. */
const KEEP_FOR_REVALIDATION_MS = 86_400_000

/** A response may say that it is good for 68 years; nothing is kept that long. */
const LONGEST_MS = 365 * 86_400_000

/** A request whose response fills the cache, if it may. */
export class FillSession implements RouteSession {
  readonly requestFields: Readonly<Record<string, string | undefined>>
  readonly query: QuerySelection
  readonly keepsBytes: number
  readonly #options: FillOptions
  #observed: ObservedHeaders | undefined
  #settled = false
  #finished: StoredResponse | undefined

  constructor(options: FillOptions) {
    this.#options = options
    this.query = options.context.policy.query
    this.keepsBytes = options.lease === undefined ? 0 : options.context.policy.maxBodyBytes
    this.requestFields = handlerView(options)
  }

  watch(headers: HeaderFields): HeaderFields {
    const { onUnkeyedRead, context } = this.#options
    if (onUnkeyedRead === undefined || context.policy.rules !== 'route') return headers
    this.#observed = new ObservedHeaders(headers)
    return this.#observed.view
  }

  finish(response: CapturedResponse): OutgoingResponse {
    const { stale, now, context } = this.#options
    if (stale !== undefined && response.status === 304) return this.#renew(stale, response)
    if (stale !== undefined && response.status >= 500 && this.#coversErrors(stale)) {
      this.abandon('status')
      const covered = this.#answer(stale, response.status, 'stale-if-error')
      return { ...covered, fields: replacement(response, covered.fields, { keepsCookies: false }) }
    }
    const arrivedAt = now()
    const stored = this.#prepare(response, arrivedAt)
    const changes = this.#headChanges(response, stored, arrivedAt)
    const whole = { status: response.status, fields: { ...response.fields, ...changes }, body: response.body }
    const answer = applyConditions(context.facts, whole)
    return { ...answer, fields: changesBetween(response.fields, answer.fields) }
  }

  async store(head: HeaderFields): Promise<void> {
    if (this.#finished === undefined) return
    if (head['set-cookie'] === undefined) await this.#commit(this.#finished)
    else this.abandon('set-cookie')
  }

  begin(head: Omit<CapturedResponse, 'body'>): FieldChanges {
    return this.#headChanges(head, undefined, this.#options.now())
  }

  async end(response: CapturedResponse): Promise<void> {
    const stored = this.#prepare(response, this.#options.now())
    if (typeof stored !== 'string') await this.#commit(stored)
  }

  abandon(reason: Refusal): void {
    if (this.#settled) return
    this.#settled = true
    void this.#options.lease?.release()
    this.#options.settled(reason)
  }

  #renew(stale: StoredResponse, response: CapturedResponse): OutgoingResponse {
    const { fields: received, prior } = response
    const now = this.#options.now()
    const update = { ...fieldsToStore(received, prior), date: fieldLine(received, 'date') ?? formatHttpDate(now) }
    const fields = renewedFields(stale.fields, update)
    const whole = received.age === undefined ? fields : { ...fields, age: received.age }
    const renewed = this.#prepare({ status: stale.status, fields: whole, prior: {}, body: stale.body }, now)
    const answer =
      typeof renewed === 'string'
        ? this.#answer({ ...stale, fields }, 304, renewed)
        : this.#answer(renewed, 304, undefined)
    return { ...answer, fields: replacement(response, answer.fields, { keepsCookies: true }) }
  }

  #coversErrors(stale: StoredResponse): boolean {
    return (
      stale.status < 500 && !stale.mustRevalidate && freshForMs(stale, this.#options.now()) + stale.staleIfErrorMs > 0
    )
  }

  #answer(stored: StoredResponse, fwdStatus: number, detail: string | undefined): OutgoingResponse {
    const { context, settings } = this.#options
    const now = this.#options.now()
    const ttl = Math.floor(freshForMs(stored, now) / 1000)
    const status = {
      hit: false,
      fwd: 'stale',
      fwdStatus,
      ttl,
      ...(detail === undefined ? { stored: true } : { detail }),
    } as const
    return answerFromStored(stored, status, { ...context, now }, settings)
  }

  /** Remembers what will be stored; gives the lease back when nothing may be. */
  #prepare(response: CapturedResponse, arrivedAt: number): StoredResponse | Refusal {
    const stored = this.#options.lease === undefined ? 'alone' : this.#storable(response, arrivedAt)
    if (typeof stored === 'string') this.abandon(stored)
    else this.#finished = stored
    return stored
  }

  /** Gives what would be stored, or why nothing may be. */
  #storable(response: CapturedResponse, arrivedAt: number): StoredResponse | Refusal {
    const { context, needsPermission, defaultTtlMs, seed } = this.#options
    const { policy, facts } = context
    if (response.body.length > policy.maxBodyBytes) return 'too-large'
    if (!isComplete(response)) return 'incomplete'
    const control = parseCacheControl(response.fields['cache-control'])
    if (requestForbidsStoring(facts.headers['cache-control'])) return 'no-store'
    const refused = refusal(policy, response, control, needsPermission)
    if (refused !== undefined) return refused
    const vary = variedBy(response.fields, response.prior, policy.vary)
    if (this.#readUnkeyed(vary)) return 'unkeyed-read'
    const fields: Record<string, string | readonly string[]> = { ...fieldsToStore(response.fields, response.prior) }
    fields.date ??= formatHttpDate(arrivedAt)
    if (policy.rules === 'route') fields.etag ??= weakEntityTag(seed, response.body)
    const stored: StoredResponse = {
      status: response.status,
      fields,
      body: response.body,
      length: response.body.length,
      arrivedAt,
      initialAgeMs: Math.min(initialAgeMs(response.fields, arrivedAt), Number.MAX_SAFE_INTEGER),
      ...lifetimeOf(policy, response, control, arrivedAt, defaultTtlMs),
      sharesWithCredentials: sharesWithCredentials(control),
      vary,
      variant: variantOf(vary, facts.headers),
    }
    const usefulMs = freshForMs(stored, arrivedAt) + Math.max(stored.swrMs, this.#keepMs(stored))
    return usefulMs > 0 ? stored : 'expired'
  }

  #readUnkeyed(vary: readonly string[]): boolean {
    const { context, onUnkeyedRead } = this.#options
    const headers = this.#observed?.unkeyed(context.policy, vary) ?? []
    if (headers.length > 0) onUnkeyedRead?.({ route: context.facts.route, headers })
    return headers.length > 0
  }

  /** How long after its freshness a response is of use: instead of an error, or to be renewed. */
  #keepMs(stored: StoredResponse): number {
    const { policy } = this.#options.context
    const renewable = policy.revalidate && (stored.fields.etag ?? stored.fields['last-modified']) !== undefined
    return Math.max(stored.staleIfErrorMs, renewable ? KEEP_FOR_REVALIDATION_MS : 0)
  }

  async #commit(stored: StoredResponse): Promise<void> {
    if (this.#settled) return
    this.#settled = true
    const { lease, settled } = this.#options
    const done = await lease?.fill({
      head: encodeHead(stored),
      body: stored.body,
      // Neither may be zero or negative: what is stale on arrival lies there to be renewed, or to cover up an error.
      ttl: Math.max(1, Math.min(freshForMs(stored, stored.arrivedAt), LONGEST_MS)),
      swr: Math.min(stored.swrMs, LONGEST_MS),
      staleIfError: Math.min(this.#keepMs(stored), LONGEST_MS),
    })
    settled(done === true ? undefined : 'fenced')
  }

  #headChanges(
    { status, fields, prior }: Omit<CapturedResponse, 'body'>,
    stored: StoredResponse | Refusal | undefined,
    now: number,
  ): FieldChanges {
    const { context, settings, fwd } = this.#options
    const kept = typeof stored === 'object' ? stored : undefined
    const cacheStatus: CacheStatus = {
      hit: false,
      fwd,
      stored: kept !== undefined,
      ...(typeof stored === 'string' ? { detail: stored } : {}),
    }
    const changes: Record<string, string | readonly string[] | undefined> = {
      vary: fields.vary,
      'cache-control': fields['cache-control'],
      'cache-status': appendStatus(fieldLine(fields, 'cache-status'), settings.name, cacheStatus),
    }
    if (kept?.fields.etag !== undefined) changes.etag = kept.fields.etag
    const freshMs = kept === undefined ? Number.POSITIVE_INFINITY : freshForMs(kept, now)
    const ownsCookie = fields['set-cookie'] !== undefined
    setSharedFields(changes, context.policy, prior, settings, { status, ageMs: 0, freshForMs: freshMs, ownsCookie })
    return changes
  }
}

/** The handler sees an unconditional request, or, to renew what is stale, one with the cache's own conditions. */
function handlerView({ context, stale }: FillOptions): Readonly<Record<string, string | undefined>> {
  const view: Record<string, string | undefined> = {}
  for (const name of CONDITIONAL_FIELDS) if (context.facts.headers[name] !== undefined) view[name] = undefined
  if (stale === undefined || !context.policy.revalidate) return view
  const etag = stale.fields.etag
  const modified = stale.fields['last-modified']
  if (typeof etag === 'string') view['if-none-match'] = etag
  if (typeof modified === 'string') view['if-modified-since'] = modified
  return view
}

/** A body shorter or longer than it was announced was cut or mixed up on the way. */
function isComplete({ fields, body }: CapturedResponse): boolean {
  const announced = fieldLine(fields, 'content-length')
  return announced === undefined || Number(announced) === body.length
}

function requestForbidsStoring(line: string | readonly string[] | undefined): boolean {
  return line !== undefined && parseCacheControl(line).has('no-store')
}
