import { BackendUnavailableError, type CallOptions, type InfraError, withDeadline } from '@plinth/core'
import type { EnqueueAnswer } from '../../broker.js'
import { dedupeScope } from '../../dedupe-scope.js'
import { enqueueFailure } from '../../enqueue-failure.js'
import type { TaskMessage } from '../../message.js'
import { sleep } from '../../sleep.js'
import { systemTaskClock } from '../../task-clock.js'
import { InFlight } from '../in-flight.js'
import { type ClaimVerdict, SENDING_MS } from './claims.js'
import { delayRoute, LONGEST_TRIP_MS } from './delay-ladder.js'
import type { LedgerEntry } from './ledger-entry.js'
import { encodeMessage } from './rabbit-codec.js'
import type { RabbitLedger } from './rabbit-ledger.js'
import { inTime, type RabbitLink, type RabbitSession } from './rabbit-link.js'
import { laneQueue, type RabbitQueues } from './rabbit-queues.js'
import type { RabbitView } from './rabbit-view.js'

/** What a producer needs of its broker. */
export interface RabbitProducerHost {
  readonly link: RabbitLink
  readonly queues: RabbitQueues
  readonly ledger: RabbitLedger
  readonly view: RabbitView
  readonly maxInFlight: number
  readonly maxPayloadBytes: number
}

/** Stores messages: claims their keys in the ledger where they have some, and publishes with confirmation. */
export class RabbitProducer {
  readonly #host: RabbitProducerHost
  readonly #inFlight: InFlight
  /** Messages whose confirmation did not come in time; resolved when it is known what became of them. */
  readonly #unsure = new Map<string, Promise<void>>()

  constructor(host: RabbitProducerHost) {
    this.#host = host
    this.#inFlight = new InFlight(host.maxInFlight)
  }

  /** Stores one message; answers within the deadline. */
  async enqueue(asked: TaskMessage, options: CallOptions): Promise<EnqueueAnswer> {
    const end = systemTaskClock.elapsed() + (options.deadlineMs ?? SENDING_MS)
    let message = asked
    let body: Buffer
    try {
      body = encodeMessage(message, this.#host.maxPayloadBytes)
      if (!this.#inFlight.tryTake(1)) await this.#inFlight.take(1, options)
    } catch (error) {
      return { status: 'refused', error: enqueueFailure(error) }
    }
    let sent: Promise<void> | undefined
    try {
      if (message.dedupe !== undefined) {
        const claimed = await this.#claim(message, options)
        if (typeof claimed !== 'string') {
          this.#inFlight.give(1)
          return claimed
        }
        if (claimed !== message.id) {
          message = { ...message, id: claimed }
          body = encodeMessage(message, this.#host.maxPayloadBytes)
        }
      }
      const delayMs = message.dueAt === undefined ? 0 : message.dueAt - systemTaskClock.now()
      const ready = this.#prepare(message, delayMs, options)
      const session = ready instanceof Promise ? await withDeadline(ready, { ...options, onDeadline: notReady }) : ready
      sent = this.#send(session, message, body, delayMs)
      await inTime(sent, { ...options, deadlineMs: Math.max(1, end - systemTaskClock.elapsed()) })
    } catch (error) {
      return this.#failed(message, enqueueFailure(error), sent)
    }
    this.#inFlight.give(1)
    if (message.dedupe !== undefined) void this.#append({ t: 'stored', id: message.id })
    return { status: 'accepted', id: message.id }
  }

  /** Stores a message that was accepted before once more, to be delivered `delayMs` from now. */
  async store(message: TaskMessage, body: Buffer, delayMs: number, options: CallOptions): Promise<void> {
    const session = await this.#prepare(message, delayMs, options)
    try {
      await inTime(this.#send(session, message, body, delayMs), options)
    } catch (error) {
      if (isRefused(error)) this.#host.queues.forget(session)
      throw error
    }
  }

  /** A session on which the queues of a message have been declared: at once when they have been. */
  #prepare(message: TaskMessage, delayMs: number, options: CallOptions): RabbitSession | Promise<RabbitSession> {
    const { link, queues } = this.#host
    const { session } = link
    const isReady = session !== undefined && delayMs <= 0 && queues.has(session, message.queue)
    return isReady ? session : this.#declare(message, delayMs, options)
  }

  async #declare(message: TaskMessage, delayMs: number, options: CallOptions): Promise<RabbitSession> {
    const { link, queues } = this.#host
    const session = await link.use(options)
    if (delayMs <= 0) await queues.queue(session, message.queue)
    else await queues.delayed(session, message.queue, message.lane)
    return session
  }

  /** Hands a message over; the answer is its confirmation, which may take as long as the session lasts. */
  #send(session: RabbitSession, message: TaskMessage, body: Buffer, delayMs: number): Promise<void> {
    const { link } = this.#host
    const name = laneQueue(message.queue, message.lane)
    if (delayMs <= 0) return link.send(session, '', name, body)
    const { exchange, key } = delayRoute(name, Math.min(delayMs, LONGEST_TRIP_MS))
    return link.send(session, exchange, key, body)
  }

  /** Claims the keys of a message; answers the id to store it under, or why it is not to be stored: it is there, or nobody can tell. */
  async #claim(message: TaskMessage, options: CallOptions): Promise<EnqueueAnswer | string> {
    const { id } = message
    const end = systemTaskClock.elapsed() + (options.deadlineMs ?? SENDING_MS)
    for (;;) {
      const left = { ...options, deadlineMs: Math.max(1, end - systemTaskClock.elapsed()) }
      const own = this.#unsure.get(id)
      if (own !== undefined && (await inTime(own, left).catch(() => 'late')) === 'late') return unknown(id)
      let verdict: ClaimVerdict
      try {
        await this.#host.ledger.reliable(left) // the window of a key begins after that
        verdict = await this.#host.ledger.decide<ClaimVerdict>(claimOf(message), left)
      } catch (error) {
        void this.#release(message) // the claim may come through after all
        throw error
      }
      if (verdict.state === 'mine') return verdict.holder
      if (verdict.state === 'duplicate') return { status: 'duplicate', id: verdict.holder }
      const { holder } = verdict
      const settled = await this.#decided(holder, left).catch(() => undefined)
      if (settled === undefined) return unknown(id)
      // Not claimed anew: by then the task may have ended, and its key may be free again.
      if (settled === 'stored') return { status: 'duplicate', id: holder }
    }
  }

  /** Waits until whoever is storing a task of this id has said what became of it; `unknown` when that takes long. */
  #decided(id: string, options: CallOptions): Promise<'stored' | 'released' | 'unknown'> {
    const { view } = this.#host
    let off = (): void => {}
    const heard = new Promise<'stored' | 'released'>((resolve) => {
      const look = (): void => {
        if (view.claims.isStored(id) || view.ended(id) !== undefined) resolve('stored')
        else if (!view.claims.isSending(id)) resolve('released')
      }
      off = view.onEntry((entry) => {
        if ('id' in entry && entry.id === id) look()
      })
      look() // it may have been said together with the verdict
    })
    const done = new AbortController()
    const long = sleep(1000, done.signal).then(() => 'unknown' as const)
    const onDeadline = (): Error => new Error('not in time')
    return withDeadline(Promise.race([heard, long]), { ...options, onDeadline }).finally(() => {
      done.abort()
      off()
    })
  }

  #failed(message: TaskMessage, error: InfraError, sent: Promise<void> | undefined): EnqueueAnswer {
    const { id } = message
    if (sent === undefined || isRefused(error)) {
      this.#inFlight.give(1)
      const { session } = this.#host.link
      if (sent !== undefined && session !== undefined) this.#host.queues.forget(session) // the next call declares again
      if (sent !== undefined && message.dedupe !== undefined) void this.#release(message)
      return { status: 'refused', error }
    }
    // What is under way keeps its place until it is confirmed or its session is over. That may still come to pass, and
    // decides about a second enqueue under the same id.
    const known = sent.then(
      () => this.#append({ t: 'stored', id }),
      () => this.#append({ t: 'unsure', id }),
    )
    this.#unsure.set(id, known)
    void known.then(() => {
      this.#unsure.delete(id)
      this.#inFlight.give(1)
    })
    return { status: 'unknown', error }
  }

  #release(message: TaskMessage): Promise<void> {
    const { idempotency, unique } = message.dedupe ?? {}
    const scopes = [
      ...(idempotency === undefined ? [] : [dedupeScope('i', message, idempotency.key)]),
      ...(unique === undefined ? [] : [dedupeScope('u', message, unique.key)]),
    ]
    return this.#append({ t: 'release', id: message.id, scopes })
  }

  /** What cannot be written down now is bounded by the time that claims hold. */
  #append(entry: LedgerEntry): Promise<void> {
    return this.#host.ledger.append(entry).catch(() => {})
  }
}

/** Whether the server has said no; anything else leaves open what became of a message. */
function isRefused(error: unknown): boolean {
  return error instanceof BackendUnavailableError && error.reason === 'refused'
}

function claimOf(message: TaskMessage): LedgerEntry {
  const { id, dedupe: { id: known, idempotency, unique } = {} } = message
  const at = systemTaskClock.now()
  return {
    t: 'claim',
    id,
    at,
    ...(known === true ? { known } : {}),
    ...(idempotency === undefined
      ? {}
      : { request: { scope: dedupeScope('i', message, idempotency.key), until: at + idempotency.windowMs } }),
    ...(unique === undefined ? {} : { unique: dedupeScope('u', message, unique.key) }),
  }
}

function notReady(): InfraError {
  return new BackendUnavailableError('RabbitMQ did not declare the queues of a task in time; it was not sent.', {
    reason: 'deadline',
  })
}

function unknown(id: string): EnqueueAnswer {
  const text = `A task of the id ${id} is being stored; whether it was is not known yet.`
  return { status: 'unknown', error: new BackendUnavailableError(text, { reason: 'deadline' }) }
}
