import { gcra } from '../../algorithms/gcra.js'
import { keep, type LimitScript } from './limit-script.js'

/** Adds the time of some units to `$whole` and `$part`. */
const add = (units: string): string => `
local total = $part + ${units} * $unitPart
local carry = floor(total / $parts)
local whole, part = $whole + ${units} * $unitWhole + carry, total - carry * $parts`

/** `gcra` in Lua: when it was written, and how far the arrival time was ahead then: whole, part, parts. */
export const gcraScript: LimitScript = {
  kind: 'g',
  told: ['unitWhole', 'unitPart', 'parts', 'burstWhole', 'burstPart'],
  valuesOf: ({ rate }) => {
    const { whole = 0, part = 0, parts = 1, burstWhole = 0, burstPart = 0 } = rate ?? {}
    return [whole, part, parts, burstWhole, burstPart]
  },
  charged: 'cost',
  prepare: '',
  read: `
$whole, $part, $moved = 0, 0, false
$raw = call('GET', $key)
if $raw and #$raw == 32 then
  local at, ahead, part, parts = unpack_('<dddd', $raw)
  local whole, longest = at < now and ahead - (now - at) or ahead, 2 * $burstWhole + 1
  if part > 0 and parts ~= $parts then whole = whole + 1 end
  if whole > longest then $whole = longest
  elseif whole >= 0 then $whole, $part = whole, parts == $parts and part or 0 end
  $moved = at > now
end`,
  admit: `${add('$cost')}
$fits = whole < $burstWhole or (whole == $burstWhole and part <= $burstPart)`,
  replies: ['$whole', '$part'],
  charge: `${add('$cost')}
$whole, $part = whole, part`,
  save: `
${keep(`pack('<dddd', now, $whole, $part, $parts)`, '$whole + 1')}`,
  correct: `${add('$by')}
local returned, longest = $by < 0 and max(0, now - $at) or 0, 2 * $burstWhole + 1
whole = whole + returned
if returned > 0 and (whole > $whole or (whole == $whole and part >= $part)) then $applies = false
elseif whole > longest then $whole, $part = longest, 0
else $whole, $part = whole, part end
$left = $whole > 0 or ($whole == 0 and $part > 0)`,
  evaluate: ({ limit, cost }, numbers, from, at) => {
    const { parts = 1 } = limit.rate ?? {}
    return gcra.evaluate({ at, ahead: numbers[from] ?? 0, part: numbers[from + 1] ?? 0, parts }, limit, cost, at)
  },
}
