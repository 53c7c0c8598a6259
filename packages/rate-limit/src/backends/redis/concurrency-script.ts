import { Evaluated } from '../../algorithms/algorithm.js'
import type { LimitScript } from './limit-script.js'

/** Slots that a clock set back left too far in the future end when one taken now would. */
const moveSlots = `
for _, lease in ipairs(call('ZRANGEBYSCORE', $key, '(' .. int(now + $length), '+inf')) do
  call('ZADD', $key, 'XX', int(now + $length), lease)
end`

/** `concurrency` in Lua: a sorted set of leases by the time at which they end. */
export const concurrencyScript: LimitScript = {
  kind: 'c',
  told: ['quota', 'length'],
  valuesOf: ({ quota, windowMs }) => [quota, windowMs * 1000],
  charged: 'lease',
  prepare: '',
  read: `
$raw = true`,
  admit: `
$held = call('ZCOUNT', $key, '(' .. int(now), '+inf')
local last = call('ZREVRANGEBYSCORE', $key, '+inf', '(' .. int(now), 'WITHSCORES', 'LIMIT', 0, 1)[2]
$reset = last and min(tonumber(last) - now, $length) or 0
$moved = last and tonumber(last) > now + $length
$fits, $retry = $held < $quota, 0
if not $fits then
  local finish = call('ZRANGEBYSCORE', $key, '(' .. int(now), '+inf', 'WITHSCORES', 'LIMIT', $held - $quota, 1)[2]
  $retry = min(tonumber(finish) - now, $length)
end`,
  replies: ['$held', '$retry', '$reset'],
  charge: `
call('ZREMRANGEBYSCORE', $key, '-inf', int(now))
call('ZADD', $key, int(now + $length), $lease)
call('PEXPIRE', $key, ceil($length / 1000) + slack)`,
  save: `
if $moved then${moveSlots}
end`,
  correct: `
$applies = false${moveSlots}
if $by < 0 then
  call('ZREM', $key, $lease)
elseif tonumber(call('ZSCORE', $key, $lease) or 0) > now then
  call('ZADD', $key, int(now + $length), $lease)
  call('PEXPIRE', $key, ceil($length / 1000) + slack)
end`,
  evaluate: ({ limit }, numbers, from) => {
    const [held = 0, retry = 0, reset = 0] = numbers.slice(from, from + 3)
    return new Evaluated({
      admits: held < limit.quota,
      available: Math.max(0, limit.quota - held),
      retryAfter: retry,
      resetAfter: reset,
      resetAfterCharge: limit.windowMs * 1000,
    })
  },
}
