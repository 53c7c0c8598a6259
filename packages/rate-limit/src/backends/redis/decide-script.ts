import { STATES } from './script-states.js'

/**
 * Decides any number of calls in a row, each all or nothing: it evaluates every charge of a call, then writes what was
 * admitted.
 *
 * KEYS: one for each charge of each call, on Cluster all in one slot. ARGV, after the clock and the limits: for each call
 * `p` to peek or `c` to charge, how many charges, and for each charge the number of its limit, the cost, and for slots
 * the lease. Replies the clock, then for each call whether it was admitted (or -1 when a calendar window is not the
 * current one) and four numbers for each charge: admits, remaining, retryAfter (-1 for never), resetAfter, in microseconds.
 */
export const DECIDE: string = `${STATES}
-- Of each charge of a call: its limit, cost and lease, and what evaluating it says.
local limits, costs, leases = {}, {}, {}
local admits, available, retries, resets, resetsThen = {}, {}, {}, {}, {}

local function unitsIn(whole, part, rate)
  if part < 0 then whole, part = whole - 1, part + rate[3] end
  if whole < 0 then return 0 end
  local function fits(units)
    local needed, rest = add(0, 0, units, rate)
    return needed < whole or (needed == whole and rest <= part)
  end
  local units = floor((whole + part / rate[3]) / (rate[1] + rate[2] / rate[3]))
  while not fits(units) do units = units - 1 end
  while fits(units + 1) do units = units + 1 end
  return units
end

local function evaluate(i, d, key)
  local kind, quota, length, cost = kinds[d], quotas[d], lengths[d], costs[i]
  if kind == 's' then
    local into, tick, previous, current = ends[d], extra[d], one[i], two[i]
    local ticks, used, rest = length / tick, current, length - into
    if previous > 0 then used = used + ceil(previous * (ticks - floor(into / tick)) / ticks) end
    local room = quota - used
    admits[i], available[i], retries[i] = room >= cost, room > 0 and room or 0, 0
    if room < cost then
      room = quota - current - cost
      if cost > quota then retries[i] = -1
      elseif room >= 0 then retries[i] = (ticks - floor(room * ticks / previous)) * tick - into
      else retries[i] = rest + (ticks - floor((quota - cost) * ticks / current)) * tick end
    end
    resets[i], resetsThen[i] = current > 0 and rest + length or (previous > 0 and rest or 0), rest + length
  elseif kind == 'b' then
    local rest = one[i]
    admits[i], available[i], retries[i], resets[i] = rest == 0, 0, rest, rest
  elseif kind == 'f' then
    local rest, room = ends[d] - now, quota - one[i]
    admits[i], available[i] = room >= cost, room > 0 and room or 0
    retries[i] = room >= cost and 0 or (cost > quota and -1 or rest)
    resets[i], resetsThen[i] = one[i] > 0 and rest or 0, rest
  elseif kind == 'g' then
    local rate = extra[d]
    local whole, part = add(one[i], two[i], cost, rate)
    local over = whole - rate[4] + (part > rate[5] and 1 or 0)
    admits[i], available[i] = over <= 0, unitsIn(rate[4] - one[i], rate[5] - two[i], rate)
    retries[i] = over <= 0 and 0 or (cost > rate[6] and -1 or over)
    resets[i], resetsThen[i] = one[i] + (two[i] > 0 and 1 or 0), whole + (part > 0 and 1 or 0)
  elseif kind == 'x' then
    local live, used, retry = logs[i], 0, 0
    for k = 2, #live, 2 do used = used + live[k] end
    local excess = used + cost - quota
    if excess > 0 then
      local freed = 0
      retry = -1
      for k = 1, #live, 2 do
        freed = freed + live[k + 1]
        if freed >= excess then retry = live[k] + length - now break end
      end
    end
    admits[i], available[i], retries[i] = excess <= 0, max(0, quota - used), retry
    resets[i], resetsThen[i] = #live > 0 and live[#live - 1] + length - now or 0, length
  else
    local held = call('ZCOUNT', key, '(' .. int(now), '+inf')
    local last = call('ZREVRANGEBYSCORE', key, '+inf', '(' .. int(now), 'WITHSCORES', 'LIMIT', 0, 1)[2]
    admits[i], available[i], retries[i] = held < quota, max(0, quota - held), 0
    resets[i], resetsThen[i] = last and min(tonumber(last) - now, length) or 0, length
    moved[i] = last and tonumber(last) > now + length
    if held >= quota then
      local finish = call('ZRANGEBYSCORE', key, '(' .. int(now), '+inf', 'WITHSCORES', 'LIMIT', held - quota, 1)[2]
      retries[i] = min(tonumber(finish) - now, length)
    end
  end
end

-- Slots that a clock set back left too far in the future end when one taken now would.
local function moveSlots(key, latest)
  for _, lease in ipairs(call('ZRANGEBYSCORE', key, '(' .. int(latest), '+inf')) do
    call('ZADD', key, 'XX', int(latest), lease)
  end
end

local function writeSlots(i, key, length, charged)
  if moved[i] then moveSlots(key, now + length) end
  if not charged then return end
  call('ZREMRANGEBYSCORE', key, '-inf', int(now))
  call('ZADD', key, int(now + length), leases[i])
  call('PEXPIRE', key, ceil(length / 1000) + slack)
end

local function charge(i, d)
  local kind, cost = kinds[d], costs[i]
  if kind == 's' then two[i] = two[i] + cost
  elseif kind == 'f' then one[i] = one[i] + cost
  elseif kind == 'g' then one[i], two[i] = add(one[i], two[i], cost, extra[d])
  else record(logs[i], cost, extra[d]) end
end

-- What a call before in this script wrote, by key.
local fresh = {}
local raws, reply, said, first = call('MGET', unpack(KEYS)), { now }, 1, 0

while ARGV[base] do
  local charging, count, admitted, current = ARGV[base] == 'c', tonumber(ARGV[base + 1]), true, true
  base = base + 2
  for i = 1, count do
    local d = tonumber(ARGV[base])
    limits[i], costs[i] = d, tonumber(ARGV[base + 1])
    base = base + 2
    if kinds[d] == 'c' then
      leases[i] = ARGV[base]
      base = base + 1
    elseif kinds[d] == 'f' then
      current = current and now >= starts[d] and now < ends[d]
    end
    local key = KEYS[first + i]
    read(i, d, fresh[key] or raws[first + i])
    evaluate(i, d, key)
    if not admits[i] and not watches[d] then admitted = false end
  end
  if not current then
    for k = said + 2, said + 1 + 4 * count do reply[k] = 0 end
    reply[said + 1] = -1
    said = said + 1 + 4 * count
  else
    reply[said + 1] = admitted and 1 or 0
    said = said + 1
    for i = 1, count do
      local d, passes = limits[i], admits[i]
      local kind = kinds[d]
      local charged = admitted and charging and passes and kind ~= 'b'
      reply[said + 1] = passes and 1 or 0
      reply[said + 2] = charged and available[i] - (kind == 'c' and 1 or costs[i]) or available[i]
      reply[said + 3] = retries[i]
      reply[said + 4] = charged and resetsThen[i] or resets[i]
      said = said + 4
      if charging and kind == 'c' then
        writeSlots(i, KEYS[first + i], lengths[d], charged)
      elseif charged or (charging and moved[i]) then
        if charged then charge(i, d) end
        fresh[KEYS[first + i]] = save(KEYS[first + i], i, d)
      end
    end
  end
  first = first + count
end
return reply
`
