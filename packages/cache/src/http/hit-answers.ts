import type { CacheStatus } from './cache-status.js'
import type { StoredFields } from './header-fields.js'
import { applyConditions, notModified, type OutgoingResponse } from './outgoing-response.js'
import { isNotModified, isUnconditional } from './precondition.js'
import type { RoutePolicy } from './route-policy.js'
import { type AnswerContext, type AnswerSettings, answerFromStored, wholeAnswer } from './stored-answer.js'
import { ageMs, freshForMs, type StoredResponse } from './stored-response.js'

/** The head of a hit as it is for one second: its `Age` and `ttl` are whole seconds. */
interface ReadyHead {
  readonly policy: RoutePolicy
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

  /** Gives what {@link answerFromStored} gives for a plain hit. */
  answer(stored: StoredResponse, context: AnswerContext): OutgoingResponse {
    const { policy, facts, prior, now } = context
    const ttl = Math.floor(freshForMs(stored, now) / 1000)
    const status: CacheStatus = { hit: true, ttl }
    if (prior.vary !== undefined || prior['cache-control'] !== undefined || stored.status !== 200) {
      return answerFromStored(stored, status, context, this.#settings)
    }
    const age = Math.floor(ageMs(stored, now) / 1000)
    let ready = this.#ready.get(stored.fields)
    if (ready === undefined || ready.ttl !== ttl || ready.age !== age || ready.policy !== policy) {
      const whole = wholeAnswer(stored, status, context, this.#settings)
      ready = { policy, age, ttl, whole: whole.fields, notModified: undefined }
      this.#ready.set(stored.fields, ready)
    }
    const whole = { status: stored.status, fields: ready.whole, body: stored.body }
    if (isUnconditional(facts.headers)) return whole
    if (!isNotModified(facts.headers, stored.fields)) return applyConditions(facts, whole)
    ready.notModified ??= notModified(whole)
    return ready.notModified
  }
}
