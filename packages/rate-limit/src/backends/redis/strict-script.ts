import { Evaluated } from '../../algorithms/algorithm.js'
import { bucketOf } from '../../algorithms/strict.js'
import { keep, type LimitScript } from './limit-script.js'

/** Adds units of now to the log `$live`: to its latest pair when both fall into one bucket, which then is dated now. */
const record = (units: string): string => `
local last = #$live - 1
if last > 0 and floor($live[last] / $bucket) == floor(now / $bucket) then
  $live[last], $live[last + 1] = now, $live[last + 1] + ${units}
else
  $live[last + 2], $live[last + 3] = now, ${units}
end`

/** `strict` in Lua: a log of times and counts. Its length varies, so what it says is worked out where it is. */
export const strictScript: LimitScript = {
  kind: 'x',
  told: ['quota', 'length', 'bucket'],
  valuesOf: (limit) => [limit.quota, limit.windowMs * 1000, bucketOf(limit)],
  charged: 'cost',
  prepare: '',
  read: `
$live, $used, $moved = {}, 0, false
$raw = call('GET', $key)
if $raw then
  local since, size = now - $length, 0
  for from = 1, #$raw, 16 do
    local at, count = unpack_('<dd', $raw, from)
    if at > now then at, $moved = now, true end
    if at > since then
      $live[size + 1], $live[size + 2] = at, count
      size, $used = size + 2, $used + count
    end
  end
end`,
  admit: `
local excess = $used + $cost - $quota
$fits, $retry = excess <= 0, 0
if excess > 0 then
  local freed = 0
  $retry = -1
  for k = 1, #$live, 2 do
    freed = freed + $live[k + 1]
    if freed >= excess then $retry = $live[k] + $length - now break end
  end
end`,
  replies: ['$used', '$retry', '#$live > 0 and $live[#$live - 1] + $length - now or 0'],
  charge: record('$cost'),
  save: `
local texts = {}
for k = 1, #$live, 2 do texts[#texts + 1] = pack('<dd', $live[k], $live[k + 1]) end
${keep('table.concat(texts)', '($live[#$live - 1] or now) + $length - now')}`,
  correct: `
local k = #$live - 1
for j = 1, #$live, 2 do if $live[j] >= $at then k = j break end end
if $by > 0 then
  local units = min($by, 2 * $quota - $used)
  if units > 0 then
    if $at >= now or #$live == 0 then ${record('units')} else $live[k + 1] = $live[k + 1] + units end
  end
elseif k > 0 and $live[k] >= $at and floor($live[k] / $bucket) == floor($at / $bucket) then
  if $live[k + 1] > -$by then $live[k + 1] = $live[k + 1] + $by
  else table.remove($live, k + 1) table.remove($live, k) end
end
$left = #$live > 0`,
  evaluate: ({ limit, cost }, numbers, from) => {
    const [used = 0, retry = 0, reset = 0] = numbers.slice(from, from + 3)
    return new Evaluated({
      admits: used + cost <= limit.quota,
      available: Math.max(0, limit.quota - used),
      retryAfter: retry < 0 ? Number.POSITIVE_INFINITY : retry,
      resetAfter: reset,
      resetAfterCharge: limit.windowMs * 1000,
    })
  },
}
