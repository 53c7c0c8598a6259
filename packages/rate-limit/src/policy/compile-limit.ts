import { describeDuration } from '@plinth/config/units'
import { exactTick } from '../algorithms/exact-tick.js'
import { exactRate } from '../algorithms/gcra-rate.js'
import type { Limit, LimitAlgorithm } from './limit.js'
import type { ParsedLimit } from './parse-limit.js'

/** Letters that name an algorithm in a key. */
const LETTERS: Readonly<Record<LimitAlgorithm, string>> = {
  fixed: 'f',
  sliding: 's',
  gcra: 'g',
  strict: 'x',
  concurrency: 'c',
}

/** Makes the limits of a policy out of what its author wrote, or says why one cannot be counted exactly. */
export function compileLimits(
  policy: string,
  parsed: readonly ParsedLimit[],
  { scale, shadow }: { readonly scale: number; readonly shadow: boolean },
): { readonly limits: readonly Limit[]; readonly problems: readonly string[] } {
  const problems: string[] = []
  const names = namesOf(policy, parsed)
  const limits = parsed.map((one, i) => {
    const quota = scaled(one.quota, scale)
    const burst = one.burst === undefined ? quota : scaled(one.burst, scale)
    const tick = one.algorithm === 'sliding' ? exactTick(quota, one.windowMs) : 1
    const rate = one.algorithm === 'gcra' ? exactRate(quota, one.windowMs, burst) : undefined
    if (tick === undefined || (one.algorithm === 'gcra' && rate === undefined)) {
      problems.push(`has a ${one.algorithm} limit too large to count exactly (${quota} per ${describeWindow(one)})`)
    }
    const watches = shadow || one.shadow
    const key = `${policy}:${keyOf(one)}${one.shadow ? '~' : ''}`
    const { algorithm, windowMs, unit, calendar } = one
    const name = names[i] ?? policy
    return Object.freeze({
      algorithm,
      name,
      key,
      quota,
      windowMs,
      burst,
      shadow: watches,
      unit,
      calendar,
      tick: tick ?? 1,
      rate,
    })
  })
  const keys = limits.map((limit) => limit.key)
  const twice = limits.find((limit, i) => keys.indexOf(limit.key) !== i)
  if (twice !== undefined) problems.push(`counts the same twice (${twice.algorithm} per ${describeWindow(twice)})`)
  return { limits, problems }
}

/** The window as people say it: `1m`, `month`. */
export function describeWindow({ calendar, windowMs }: Pick<ParsedLimit, 'calendar' | 'windowMs'>): string {
  return calendar?.unit === 'month' ? 'month' : describeDuration(windowMs)
}

function keyOf({ algorithm, windowMs, calendar, unit }: ParsedLimit): string {
  const zone = calendar === undefined ? '' : `@${calendar.unit}.${calendar.timeZone}`
  return `${LETTERS[algorithm]}${algorithm === 'concurrency' ? '' : windowMs}${zone}${unit === undefined ? '' : `.${unit}`}`
}

/** The policy's own name for a single limit, else the window or the unit behind it, the algorithm where that is needed. */
function namesOf(policy: string, parsed: readonly ParsedLimit[]): readonly string[] {
  if (parsed.length === 1) return [policy]
  const short = parsed.map((one) =>
    one.algorithm === 'concurrency' ? 'concurrent' : [one.unit, describeWindow(one)].filter(Boolean).join('-'),
  )
  return parsed.map(({ algorithm, shadow }, i) => {
    const shared = short.filter((name) => name === short[i]).length > 1
    return [policy, short[i], shared ? algorithm : '', shared && shadow ? 'shadow' : ''].filter(Boolean).join('-')
  })
}

function scaled(quota: number, scale: number): number {
  return scale === 1 ? quota : Math.max(1, Math.floor(quota * scale + 1e-9))
}
