import type { Clock } from '@plinth/core'
import { EmailError } from '../email-error.js'
import { type Message, recipientsOf } from '../message/message.js'
import type { DeliveryResult, RecipientOutcome, SkippedResult } from '../send-result.js'
import type { SuppressionList } from '../stores/suppression-list.js'
import type { Delivery, EmailTransport } from '../transport.js'
import { type AttemptLimits, sendWithRetries } from './attempts.js'
import type { Claims, HeldKey } from './claims.js'
import { pause } from './deadline.js'
import { hashKey } from './ledger.js'
import { leaveOut, type Routed, type RoutingOptions, routeMessage } from './routing.js'

/** What a {@link Courier} works with. */
export interface CourierParts {
  readonly transport: EmailTransport
  readonly claims: Claims
  readonly suppressions: SuppressionList
  readonly routing: RoutingOptions
  readonly clock: Clock
  /** Told of a suppression list that could not be asked: nobody is suppressed then. */
  readonly onTrouble: (error: unknown) => void
}

/** A message that may go out under a key it holds (or none), and what became of the recipients it leaves out. */
export interface Admitted {
  readonly kind: 'admitted'
  readonly message: Message
  readonly key: HeldKey | undefined
  readonly outcomes: readonly RecipientOutcome[]
}

/** Why a message does not go out although nothing is wrong. */
export interface NotAdmitted {
  readonly kind: 'skipped'
  readonly result: SkippedResult
}

/** Takes one message all the way: who gets it, whether it was sent before, the attempts, and what to remember. */
export class Courier {
  readonly #parts: CourierParts

  constructor(parts: CourierParts) {
    this.#parts = parts
  }

  async deliver(message: Message, key: string | undefined, limits: AttemptLimits): Promise<DeliveryResult> {
    const admission = await this.admit(message, key, limits)
    if (admission.kind === 'skipped') return admission.result
    const providerKey = key === undefined ? undefined : hashKey(key)
    try {
      const delivery = await sendWithRetries(this.#parts.transport, admission.message, providerKey, limits)
      return await this.settle(admission, delivery)
    } catch (error) {
      return await this.refuse(admission, error)
    }
  }

  /** Decides who gets the message, and takes its key. Rejects when an earlier attempt may have sent it. */
  async admit(message: Message, key: string | undefined, limits: AttemptLimits): Promise<Admitted | NotAdmitted> {
    const routed = routeMessage(message, this.#parts.routing)
    if (routed.message === undefined) return skip('not-allow-listed', routed.outcomes)
    const wanted = await this.#withoutSuppressed(routed.message)
    const outcomes = [...routed.outcomes, ...wanted.outcomes]
    if (wanted.message === undefined) return skip('suppressed', outcomes)
    if (key === undefined) return { kind: 'admitted', message: wanted.message, key: undefined, outcomes }
    const answer = await this.#claim(key, limits)
    if (answer.kind === 'sent') return duplicate(answer.id)
    const admitted: Admitted = { kind: 'admitted', message: wanted.message, key: answer, outcomes }
    const earlier = await this.#earlierAttempt(admitted, key, answer, limits)
    return earlier === undefined ? admitted : duplicate(earlier)
  }

  /** Remembers a delivery and gives its result. */
  async settle({ message, key, outcomes }: Admitted, delivery: Delivery): Promise<DeliveryResult> {
    await key?.sent(delivery.id)
    const recipients = [...delivery.recipients, ...outcomes]
    await this.#rememberSuppressed(message, delivery.recipients)
    const reached = recipients.every(({ outcome }) => REACHED.has(outcome))
    const degraded = key?.degraded === true ? { degraded: true as const } : {}
    return { status: reached ? 'sent' : 'partial', id: delivery.id, recipients, ...degraded }
  }

  /** Remembers a failure: gives the result when the other side suppresses every recipient, and rejects otherwise. */
  async refuse({ message, key, outcomes }: Admitted, error: unknown): Promise<SkippedResult> {
    const certain = error instanceof EmailError && !error.ambiguous
    if (certain) await key?.release()
    else await key?.unknown(this.#parts.clock.now())
    if (!(error instanceof EmailError) || error.kind !== 'suppressed') throw error
    const recipients = recipientsOf(message).map(({ address }) => ({ address, outcome: 'suppressed' as const }))
    await this.#rememberSuppressed(message, recipients)
    return { status: 'skipped', reason: 'suppressed', recipients: [...recipients, ...outcomes] }
  }

  async #claim(key: string, limits: AttemptLimits): Promise<HeldKey | { readonly kind: 'sent'; readonly id: string }> {
    for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
      const answer = await this.#parts.claims.claim(key)
      if (answer.kind !== 'busy') return answer
      if (performance.now() + wait >= limits.endsAt) throw stillBusy()
      await pause(wait, limits.signal).catch(() => {
        throw stillBusy()
      })
    }
  }

  /**
   * Finds out what became of an earlier attempt that ended without an answer: gives its id when it was sent, and
   * `undefined` when it certainly was not.
   */
  async #earlierAttempt(
    { message }: Admitted,
    key: string,
    held: HeldKey,
    limits: AttemptLimits,
  ): Promise<string | undefined> {
    const since = held.uncertainSince
    if (since === undefined) return undefined
    const lookup = this.#parts.transport.lookup
    try {
      if (lookup === undefined) throw nobodyKnows(this.#parts.transport.name)
      const found = await lookup.find(hashKey(key), message, limits.signal)
      if (found !== undefined) {
        await held.sent(found.id)
        return found.id
      }
      const wait = since + lookup.settleMs - this.#parts.clock.now()
      if (wait > 0) throw notSettled(wait)
      return undefined
    } catch (error) {
      await held.unknown(since)
      throw error
    }
  }

  async #withoutSuppressed(message: Message): Promise<Routed> {
    const stream = message.stream ?? DEFAULT_STREAM
    const all = recipientsOf(message)
    const reasons = await Promise.all(
      all.map(({ address }) =>
        this.#parts.suppressions.find(stream, address).catch((error: unknown) => {
          this.#parts.onTrouble(error)
          return undefined
        }),
      ),
    )
    const suppressed = new Set(all.filter((_, index) => reasons[index] !== undefined))
    return leaveOut(message, (one) => !suppressed.has(one), 'suppressed')
  }

  async #rememberSuppressed(message: Message, recipients: readonly RecipientOutcome[]): Promise<void> {
    const stream = message.stream ?? DEFAULT_STREAM
    for (const { address, outcome } of recipients) {
      if (outcome !== 'suppressed') continue
      await this.#parts.suppressions.add(stream, address, 'bounce').catch(this.#parts.onTrouble)
    }
  }
}

/** The stream of a message that names none: Postmark's default. */
const DEFAULT_STREAM = 'outbound'

const REACHED: ReadonlySet<RecipientOutcome['outcome']> = new Set(['accepted', 'delayed', 'intercepted'])

function skip(reason: 'not-allow-listed' | 'suppressed', recipients: readonly RecipientOutcome[]): NotAdmitted {
  return { kind: 'skipped', result: { status: 'skipped', reason, recipients } }
}

function duplicate(id: string): NotAdmitted {
  return { kind: 'skipped', result: { status: 'skipped', reason: 'duplicate', id } }
}

function stillBusy(): EmailError {
  return new EmailError('timeout', 'Another send under the same idempotency key has not ended yet.', {
    retryAfterMs: 1_000,
  })
}

function notSettled(retryAfterMs: number): EmailError {
  return new EmailError(
    'unavailable',
    'An earlier attempt under this idempotency key may have been sent; the provider can tell in a moment.',
    { ambiguous: true, retryable: true, retryAfterMs },
  )
}

function nobodyKnows(transport: string): EmailError {
  return new EmailError(
    'unavailable',
    `An earlier attempt under this idempotency key may have been sent, and ${transport} cannot be asked. It is not sent again; use a new key to send it all the same.`,
    { ambiguous: true, retryable: false },
  )
}
