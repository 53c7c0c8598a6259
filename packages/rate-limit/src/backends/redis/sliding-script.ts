import { sliding } from '../../algorithms/sliding.js'
import { keep, type LimitScript } from './limit-script.js'

/** `sliding` in Lua: the number of the window, the count of the one before, and its own. */
export const slidingScript: LimitScript = {
  kind: 's',
  told: ['quota', 'length', 'tick'],
  valuesOf: ({ quota, windowMs, tick }) => [quota, windowMs * 1000, tick],
  charged: 'cost',
  prepare: `
$index = floor(now / $length)
$into = now - $index * $length
$ticks = $length / $tick
$share = $ticks - floor($into / $tick)`,
  read: `
$before, $count, $moved, $stays = 0, 0, false, false
$raw = call('GET', $key)
if $raw and #$raw == 24 then
  local at, before, count = unpack_('<ddd', $raw)
  local most = 2 * $quota
  if at == $index then
    $stays = count > 0 and before <= most
    $before, $count = before <= most and before or most, count <= most and count or most
  elseif at > $index then
    $before, $count, $moved = min(before, most), min(count, most), true
  elseif at == $index - 1 then
    $before = min(count, most)
  end
end`,
  admit: `
local used = $count
if $before > 0 then used = used + ceil($before * $share / $ticks) end
$fits = used + $cost <= $quota`,
  replies: ['$before', '$count'],
  charge: `
$count = $count + $cost`,
  // within its window a count is replaced in its place, and keeps its time to live: a third of the price of SET
  save: `
if $stays then
  call('SETRANGE', $key, '16', pack('<d', $count))
else
  ${keep(`pack('<ddd', $index, $before, $count)`, '($count > 0 and 2 or 1) * $length - $into')}
end`,
  correct: `
local behind, most = $index - floor($at / $length), 2 * $quota
if behind > 1 then $applies = false
elseif behind == 1 then $before = clamp($before + $by, most)
else $count = clamp($count + $by, most) end
$left, $stays = $before + $count > 0, false`,
  evaluate: ({ limit, cost }, numbers, from, at) => {
    const index = Math.floor(at / (limit.windowMs * 1000))
    const state = { index, previous: numbers[from] ?? 0, current: numbers[from + 1] ?? 0 }
    return sliding.evaluate(state, limit, cost, at)
  },
}
