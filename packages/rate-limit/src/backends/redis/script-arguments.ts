import { fixedWindowAt } from '../../algorithms/fixed.js'
import { bucketOf } from '../../algorithms/strict.js'
import type { Limit } from '../../limit.js'

/** What a script is told of one charge or correction, in the order that `STATES` describes. */
export function scriptArguments(limit: Limit, units: number, details: ScriptDetails): (string | number)[] {
  const { kind, extras } = shapeOf(limit, details)
  return [kind, limit.shadow ? 1 : 0, limit.quota, limit.windowMs * 1000, units, ...extras]
}

/** What differs from call to call. */
export interface ScriptDetails {
  readonly lease: string | undefined
  /** The server's clock as far as it is known, in microseconds: for calendar windows. */
  readonly now: number
}

interface Shape {
  readonly kind: string
  readonly extras: readonly (string | number)[]
}

function shapeOf(limit: Limit, { lease = '', now }: ScriptDetails): Shape {
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
      return { kind: 'c', extras: [lease] }
    case 'block':
      return { kind: 'b', extras: [] }
  }
}
