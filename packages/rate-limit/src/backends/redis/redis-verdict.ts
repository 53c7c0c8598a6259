import { outcomeOf } from '../../algorithms/outcome-of.js'
import type { Limit } from '../../policy/limit.js'
import type { Charge, Outcome, Verdict } from '../../rate-limit-backend.js'
import { limitScriptOf } from './limit-scripts.js'

/** How many numbers the script replies about one call on these limits. */
export function replySize(limits: readonly Limit[]): number {
  return limits.reduce((size, limit) => size + limitScriptOf(limit).replies.length, 1)
}

/** A verdict of the script. What it says of each limit is worked out when somebody asks: most callers do not. */
export class RedisVerdict implements Verdict {
  readonly admitted: boolean
  readonly firm: boolean = true
  readonly #charges: readonly Charge[]
  readonly #numbers: readonly number[]
  readonly #from: number
  readonly #charged: boolean
  #outcomes: readonly Outcome[] | undefined

  /** @param numbers what the script replied: its clock, and from `from` on what it says of this call. */
  constructor(charges: readonly Charge[], numbers: readonly number[], from: number, peek: boolean) {
    this.admitted = numbers[from] === 1
    this.#charges = charges
    this.#numbers = numbers
    this.#from = from + 1
    this.#charged = this.admitted && !peek
  }

  get outcomes(): readonly Outcome[] {
    this.#outcomes ??= this.#work()
    return this.#outcomes
  }

  #work(): readonly Outcome[] {
    const at = this.#numbers[0] ?? 0
    let from = this.#from
    return this.#charges.map((charge) => {
      const { evaluate, replies } = limitScriptOf(charge.limit)
      const evaluation = evaluate(charge, this.#numbers, from, at)
      from += replies.length
      return outcomeOf(charge, evaluation, this.#charged && evaluation.admits, at)
    })
  }
}
