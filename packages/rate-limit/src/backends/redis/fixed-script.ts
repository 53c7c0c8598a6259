import { fixed, fixedWindowAt } from '../../algorithms/fixed.js'
import { keep, type LimitScript } from './limit-script.js'

const counting = {
  charged: 'cost',
  read: `
$used, $moved, $stays = 0, false, false
$raw = call('GET', $key)
if $raw and #$raw == 16 then
  local since, used = unpack_('<dd', $raw)
  if since >= $start then
    $used, $moved, $stays = min(used, 2 * $quota), since > $start, since == $start
  end
end`,
  admit: `
$fits = $used + $cost <= $quota`,
  replies: ['$used'],
  charge: `
$used = $used + $cost`,
  save: `
if $stays then
  call('SETRANGE', $key, '8', pack('<d', $used))
else
  ${keep(`pack('<dd', $start, $used)`, '$finish - now')}
end`,
  correct: `
if $at < $start then $applies = false else $used = clamp($used + $by, 2 * $quota) end
$left = $used > 0`,
  evaluate: ({ limit, cost }, numbers, from, at) =>
    fixed.evaluate({ start: fixedWindowAt(limit, at).start, used: numbers[from] ?? 0 }, limit, cost, at),
} as const satisfies Partial<LimitScript>

/** `fixed` in Lua, by whole multiples of its length: when the window began, and what was used. */
export const fixedScript: LimitScript = {
  ...counting,
  kind: 'f',
  told: ['quota', 'length'],
  valuesOf: ({ quota, windowMs }) => [quota, windowMs * 1000],
  prepare: `
$start = floor(now / $length) * $length
$finish = $start + $length`,
}

/** `fixed` in Lua, by a calendar, which Lua does not know: it is told the window, and looks whether that is the current one. */
export const calendarScript: LimitScript = {
  ...counting,
  kind: 'd',
  told: ['quota', 'start', 'finish'],
  valuesOf: (limit, now) => {
    const { start, end } = fixedWindowAt(limit, now)
    return [limit.quota, start, end]
  },
  prepare: `
if now < $start or now >= $finish then return { now, -1 } end`,
}
