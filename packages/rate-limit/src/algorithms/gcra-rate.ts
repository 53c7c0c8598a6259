const EXACT = 2 ** 53

/** The time one unit takes, W/N, as an exact fraction: `whole` + `part`/`parts` microseconds. */
export interface GcraRate {
  readonly whole: number
  readonly part: number
  readonly parts: number
  /** The time that the whole burst takes, in the same form. */
  readonly burstWhole: number
  readonly burstPart: number
}

/**
 * The exact rate of `quota` units per `windowMs` with a burst, or `undefined` when it cannot be counted exactly in doubles.
 *
 * W/N is reduced first, so only quotas above about 90 million that share no factor with their window are refused.
 */
export function exactRate(quota: number, windowMs: number, burst: number): GcraRate | undefined {
  const window = windowMs * 1000
  const divisor = greatestCommonDivisor(window, quota)
  const parts = quota / divisor
  const whole = Math.floor(window / quota)
  const part = (window % quota) / divisor
  if (window > EXACT || burst * part + parts > EXACT || 2 * burst * (whole + 1) > EXACT) return undefined
  const total = burst * part
  return { whole, part, parts, burstWhole: burst * whole + Math.floor(total / parts), burstPart: total % parts }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
