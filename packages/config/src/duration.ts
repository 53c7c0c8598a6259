import { ConfigError } from './config-error.js'
import { showValue } from './show-value.js'

/** A length of time: a number of milliseconds, or a text such as `'250ms'`, `'30s'`, `'5m'`, `'1h30m'`, `'7d'`, `'2w'`. */
export type Duration = number | string

/** The units of a duration in milliseconds, largest first. */
const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/
const PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g

/**
 * Gives a duration in whole milliseconds.
 *
 * A fraction of a millisecond is rounded, but what is more than nothing never becomes zero. Text needs its unit: `'60'` is
 * refused, because half of its readers would take it for seconds.
 *
 * @param what names the option in the error, such as `ttl of cache "sessions"`.
 * @throws ConfigError when it is negative, not finite, beyond the safe integers, or not a duration at all.
 */
export function parseDuration(value: Duration, what = 'A duration'): number {
  const milliseconds = typeof value === 'number' ? value : typeof value === 'string' ? parseText(value) : Number.NaN
  if (!(milliseconds >= 0 && milliseconds <= Number.MAX_SAFE_INTEGER)) {
    throw new ConfigError([
      {
        id: 'invalid-duration',
        subjects: [what],
        problem: `must be a duration (got ${showValue(value)})`,
        remedy: `Give a number of milliseconds, or a number with its unit (ms, s, m, h, d or w), such as '250ms', '5m' or '1h30m'.`,
      },
    ])
  }
  return milliseconds === 0 ? 0 : Math.max(1, Math.round(milliseconds))
}

/** Gives the shortest text that {@link parseDuration} reads as the same whole number of milliseconds: `'1h30m'`, `'0s'`. */
export function describeDuration(milliseconds: number): string {
  let rest = parseDuration(milliseconds)
  if (rest === 0) return '0s'
  let text = ''
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text
}

function parseText(text: string): number {
  if (text.length > 64 || !WHOLE.test(text)) return Number.NaN
  let milliseconds = 0
  for (const [, count, unit] of text.matchAll(PART)) milliseconds += Number(count) * UNITS[unit as keyof typeof UNITS]
  return milliseconds
}
