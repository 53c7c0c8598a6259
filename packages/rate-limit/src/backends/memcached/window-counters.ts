import type { Algorithm, Evaluation } from '../../algorithms/algorithm.js'
import { fixed, fixedWindowAt } from '../../algorithms/fixed.js'
import { sliding } from '../../algorithms/sliding.js'
import type { Limit } from '../../policy/limit.js'
import type { Charge, Correction, Outcome } from '../../rate-limit-backend.js'
import {
  LateCharge,
  type MemcachedCall,
  type Protocol,
  readCount,
  TTL_SLACK_MS,
  type WrittenCharge,
} from './protocol.js'

/**
 * `fixed` and `sliding`: one counter for each window, whose number is part of the key.
 *
 * Each admission leaves its cost in the counter, a refusal takes back only what it added, and the values of one counter
 * follow one another: so the reference, asked with the value before the charge, admits at most what it would admit alone.
 * `sliding` reads the window after this one too: where somebody counts there already, he may have missed this call, so it
 * is taken back and made again; if that repeats, his clock is ahead, and what he counts counts here.
 */
class WindowCounters<State> implements Protocol {
  readonly #view: WindowView<State>

  constructor(view: WindowView<State>) {
    this.#view = view
  }

  async charge(charge: Charge, call: MemcachedCall): Promise<WrittenCharge> {
    const { connection } = call
    const { subject, limit, cost } = charge
    const { number, ttlMs } = this.#view.windowAt(limit, call.now)
    const key = call.key(subject, limit, number)
    // one connection carries these in this order, and the server keeps it
    const counting = connection.increment(key, cost, { initial: cost, ttlMs }, call.left())
    const [count, [before, after]] = await Promise.all([counting, this.#neighbours(charge, call)])
    const undo = (): Promise<unknown> => connection.incrementExisting(key, -cost, call.left())
    if (after > 0 && !call.isLast) throw new LateCharge(undo)
    const evaluation = this.#evaluate(charge, call, before, count - cost + after)
    return {
      outcome: outcomeOf(evaluation, call),
      resetAfterChargeMs: Math.ceil(evaluation.resetAfterCharge / 1000),
      undo,
    }
  }

  async peek(charge: Charge, call: MemcachedCall): Promise<Outcome> {
    const { number } = this.#view.windowAt(charge.limit, call.now)
    const key = call.key(charge.subject, charge.limit, number)
    const counting = call.connection.get(key, call.left())
    const [count, [before]] = await Promise.all([counting, this.#neighbours(charge, call)])
    return outcomeOf(this.#evaluate(charge, call, before, readCount(count)), call)
  }

  async correct({ subject, limit, by, at }: Correction, call: MemcachedCall): Promise<void> {
    const { number } = this.#view.windowAt(limit, at)
    await call.connection.incrementExisting(call.key(subject, limit, number), by, call.left())
  }

  keys(limit: Limit, subject: string, call: MemcachedCall): readonly string[] {
    const { number, before } = this.#view.windowAt(limit, call.now)
    return [number, before].flatMap((part) => (part === undefined ? [] : [call.key(subject, limit, part)]))
  }

  /**
   * The windows before and after this one, where the algorithm looks beyond its window.
   *
   * The one after counts only shortly before it begins. Earlier than that nobody's clock is so far ahead: ours was set back.
   */
  async #neighbours({ subject, limit }: Charge, call: MemcachedCall): Promise<readonly [number, number]> {
    const { number, before } = this.#view.windowAt(limit, call.now)
    if (before === undefined) return [0, 0]
    const keys = [before, number + 1].map((part) => call.key(subject, limit, part))
    const values = await call.connection.getMany(keys, call.left())
    const rest = (number + 1) * limit.windowMs - call.now / 1000
    return [readCount(values[0]), rest <= Math.min(MOST_SKEW_MS, limit.windowMs / 2) ? readCount(values[1]) : 0]
  }

  #evaluate({ limit, cost }: Charge, call: MemcachedCall, before: number, count: number): Evaluation {
    const state = this.#view.state(limit, call.now, before, Math.max(0, count))
    return this.#view.algorithm.evaluate(state, limit, cost, call.now)
  }
}

/** How far apart the clocks of instances may be. */
const MOST_SKEW_MS = 1000

/** What the two algorithms see of their counters. */
interface WindowView<State> {
  readonly algorithm: Algorithm<State>
  windowAt(limit: Limit, now: number): { readonly number: number; readonly before?: number; readonly ttlMs: number }
  state(limit: Limit, now: number, before: number, count: number): State
}

/** `fixed` on Memcached. */
export const fixedCounters: Protocol = new WindowCounters({
  algorithm: fixed,
  windowAt: (limit, now) => {
    const { start, end } = fixedWindowAt(limit, now)
    return { number: start / 1000, ttlMs: Math.ceil((end - now) / 1000) + TTL_SLACK_MS }
  },
  state: (limit, now, _before, used) => ({ start: fixedWindowAt(limit, now).start, used }),
})

/** `sliding` on Memcached. */
export const slidingCounters: Protocol = new WindowCounters({
  algorithm: sliding,
  windowAt: (limit, now) => {
    const number = Math.floor(now / (limit.windowMs * 1000))
    return { number, before: number - 1, ttlMs: 2 * limit.windowMs + TTL_SLACK_MS }
  },
  state: (limit, now, previous, current) => ({ index: Math.floor(now / (limit.windowMs * 1000)), previous, current }),
})

function outcomeOf(evaluation: Evaluation, call: MemcachedCall): Outcome {
  return {
    admits: evaluation.admits,
    remaining: evaluation.available,
    retryAfterMs: Math.ceil(evaluation.retryAfter / 1000),
    resetAfterMs: Math.ceil(evaluation.resetAfter / 1000),
    at: call.now,
  }
}
