import { fixedWindowAt } from '../../algorithms/fixed.js'
import { bucketOf } from '../../algorithms/strict.js'
import type { Limit } from '../../policy/limit.js'

/** The limits that a script is told of, each once; charges then name them by number. */
export class ScriptLimits {
  readonly #numbers = new Map<Limit, number>()
  readonly #args: (string | number)[] = []

  /** The number of a limit, which is told to the script when it is new. `now`: the server's clock as far as it is known. */
  numberOf(limit: Limit, now: number): number {
    const known = this.#numbers.get(limit)
    if (known !== undefined) return known
    const number = this.#numbers.size + 1
    this.#numbers.set(limit, number)
    const { kind, extras } = shapeOf(limit, now)
    this.#args.push(kind, limit.shadow ? 1 : 0, limit.quota, limit.windowMs * 1000, ...extras)
    return number
  }

  /** What the arguments of a script begin with: the clock of a test or '', how many limits, and the limits. */
  head(testNow: number | ''): readonly (string | number)[] {
    return [testNow, this.#numbers.size, ...this.#args]
  }
}

function shapeOf(limit: Limit, now: number): { readonly kind: string; readonly extras: readonly number[] } {
  switch (limit.algorithm) {
    case 'fixed': {
      if (limit.calendar === undefined) return { kind: 'f', extras: [0, 0] }
      const { start, end } = fixedWindowAt(limit, now)
      return { kind: 'f', extras: [start, end] }
    }
    case 'sliding':
      return { kind: 's', extras: [limit.tick] }
    case 'gcra': {
      const { whole = 0, part = 0, parts = 1, burstWhole = 0, burstPart = 0 } = limit.rate ?? {}
      return { kind: 'g', extras: [whole, part, parts, burstWhole, burstPart, limit.burst] }
    }
    case 'strict':
      return { kind: 'x', extras: [bucketOf(limit)] }
    case 'concurrency':
      return { kind: 'c', extras: [] }
    case 'block':
      return { kind: 'b', extras: [] }
  }
}
