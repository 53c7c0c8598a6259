import { block, NOT_BLOCKED } from '../../algorithms/block.js'
import { keep, type LimitScript } from './limit-script.js'

/** `block` in Lua: when it was written, how long it lasts, which in a row it is, and how long that is remembered. */
export const blockScript: LimitScript = {
  kind: 'b',
  told: [],
  valuesOf: () => [],
  charged: undefined,
  prepare: '',
  read: `
$rest, $moved = 0, false
$raw = call('GET', $key)
if $raw and #$raw == 32 then
  local at
  at, $lasts, $level, $remembered = unpack_('<dddd', $raw)
  $rest, $moved = max(0, min(at, now) + $lasts - now), at > now
end`,
  admit: `
$fits = $rest == 0`,
  replies: ['$rest'],
  charge: undefined,
  save: `
${keep(`pack('<dddd', now, $lasts, $level, $remembered)`, '$lasts + $remembered')}`,
  correct: `
$applies = false`,
  evaluate: ({ limit, cost }, numbers, from, at) => {
    const lasts = numbers[from] ?? 0
    return lasts === 0 ? NOT_BLOCKED : block.evaluate({ at, lasts, level: 1, remembered: 0 }, limit, cost, at)
  },
}
