import type { PriorFields, StoredFields } from './header-fields.js'
import { applyConditions, notModified, type OutgoingResponse } from './outgoing-response.js'
import { isNotModified, isUnconditional } from './precondition.js'
import type { RoutePolicy } from './route-policy.js'
import { type AnswerContext, type AnswerSettings, wholeAnswer } from './stored-answer.js'
import { ageMs, freshForMs, type StoredResponse } from './stored-response.js'

/** The head of a hit as it is for one second: its `Age` and `ttl` are whole seconds. */
interface ReadyHead {
  readonly policy: RoutePolicy
  readonly prior: PriorFields
  readonly age: number
  readonly ttl: number
  readonly whole: OutgoingResponse['fields']
  notModified: OutgoingResponse | undefined
}

/** Gives the answers of fresh responses, and makes the head of each no more than once a second: hits come in numbers. */
export class HitAnswers {
  readonly #settings: AnswerSettings
  /** By the stored fields, which are the same object for as long as the response is known. */
  readonly #ready = new WeakMap<StoredFields, ReadyHead>()

  constructor(settings: AnswerSettings) {
    this.#settings = settings
  }

  /** Gives what `answerFromStored` gives for a plain hit. */
  answer(stored: StoredResponse, context: AnswerContext): OutgoingResponse {
    const { policy, facts, prior, now } = context
    const ttl = Math.floor(freshForMs(stored, now) / 1000)
    const age = Math.floor(ageMs(stored, now) / 1000)
    let ready = this.#ready.get(stored.fields)
    if (ready === undefined || !isFor(ready, policy, prior, age, ttl)) {
      const whole = wholeAnswer(stored, { hit: true, ttl }, context, this.#settings)
      ready = { policy, prior, age, ttl, whole: whole.fields, notModified: undefined }
      this.#ready.set(stored.fields, ready)
    }
    const whole = { status: stored.status, fields: ready.whole, body: stored.body }
    if (stored.status !== 200 || isUnconditional(facts.headers)) return whole
    if (!isNotModified(facts.headers, stored.fields)) return applyConditions(facts, whole)
    ready.notModified ??= notModified(whole)
    return ready.notModified
  }
}

function isFor(ready: ReadyHead, policy: RoutePolicy, prior: PriorFields, age: number, ttl: number): boolean {
  return (
    ready.age === age &&
    ready.ttl === ttl &&
    ready.policy === policy &&
    isSame(ready.prior.vary, prior.vary) &&
    isSame(ready.prior['cache-control'], prior['cache-control'])
  )
}

function isSame(one: PriorFields['vary'], other: PriorFields['vary']): boolean {
  return one === other || (one !== undefined && other !== undefined && String(one) === String(other))
}
