import { STATES } from './script-states.js'

/**
 * Decides one call, or several equal ones in a row: phase 1 evaluates every charge, phase 2 writes what was admitted.
 *
 * KEYS: one for each charge, on Cluster all in one slot. ARGV: a test clock or '', `p` to peek, how many equal calls, then
 * the charges. Replies: how many were admitted (or -1 when a calendar window is not the current one), the clock, then four
 * numbers for each charge of the last that was admitted, and of the first that was not: admits, remaining, retryAfter
 * (-1 for never), resetAfter, in microseconds.
 */
export const DECIDE: string = `${STATES}${`
local peek, times = ARGV[2] == 'p', tonumber(ARGV[3])
local sizes = { f = 7, s = 6, g = 11, x = 6, c = 6, b = 5 }
local bases, base = {}, 4
for i = 1, #KEYS do
  bases[i] = base
  base = base + sizes[ARGV[base]]
end

local function carried(previous, into, length, tick)
  if previous == 0 then return 0 end
  local ticks = length / tick
  return ceil(previous * (ticks - floor(into / tick)) / ticks)
end

local function decayed(count, room, length, tick)
  local ticks = length / tick
  return (ticks - floor(room * ticks / count)) * tick
end

local function unitsIn(whole, part, base)
  local parts = tonumber(ARGV[base + 7])
  if part < 0 then whole, part = whole - 1, part + parts end
  if whole < 0 then return 0 end
  local zero = { 0, 0 }
  local function fits(units)
    local needed, rest = add(zero, units, base)
    return needed < whole or (needed == whole and rest <= part)
  end
  local rate = tonumber(ARGV[base + 5]) + tonumber(ARGV[base + 6]) / parts
  local units = floor((whole + part / parts) / rate)
  while not fits(units) do units = units - 1 end
  while fits(units + 1) do units = units + 1 end
  return units
end

-- admits, available, retryAfter, resetAfter, resetAfterCharge
local function evaluate(i, base)
  local kind, quota, length, cost = ARGV[base], tonumber(ARGV[base + 2]), tonumber(ARGV[base + 3]), tonumber(ARGV[base + 4])
  local state = states[i]
  if kind == 'f' then
    local _, finish = window(base)
    local rest, admits = finish - now, state[2] + cost <= quota
    local retry = admits and 0 or (cost > quota and -1 or rest)
    return admits, max(0, quota - state[2]), retry, state[2] > 0 and rest or 0, rest
  elseif kind == 's' then
    local tick = tonumber(ARGV[base + 5])
    local into = now - state[1] * length
    local used = carried(state[2], into, length, tick) + state[3]
    local admits, retry, rest = used + cost <= quota, 0, length - into
    if not admits then
      local room = quota - state[3] - cost
      if cost > quota then retry = -1
      elseif room >= 0 then retry = decayed(state[2], room, length, tick) - into
      else retry = rest + decayed(state[3], quota - cost, length, tick) end
    end
    local reset = state[3] > 0 and rest + length or (state[2] > 0 and rest or 0)
    return admits, max(0, quota - used), retry, reset, rest + length
  elseif kind == 'g' then
    local burstWhole, burstPart = tonumber(ARGV[base + 8]), tonumber(ARGV[base + 9])
    local whole, part = add(state, cost, base)
    local over = whole - burstWhole + (part > burstPart and 1 or 0)
    local retry = over <= 0 and 0 or (cost > tonumber(ARGV[base + 10]) and -1 or over)
    local left = unitsIn(burstWhole - state[1], burstPart - state[2], base)
    return over <= 0, left, retry, state[1] + (state[2] > 0 and 1 or 0), whole + (part > 0 and 1 or 0)
  elseif kind == 'x' then
    local used, retry = 0, 0
    for k = 2, #state, 2 do used = used + state[k] end
    local excess = used + cost - quota
    if excess > 0 then
      local freed = 0
      retry = -1
      for k = 1, #state, 2 do
        freed = freed + state[k + 1]
        if freed >= excess then retry = state[k] + length - now break end
      end
    end
    local reset = #state > 0 and state[#state - 1] + length - now or 0
    return excess <= 0, max(0, quota - used), retry, reset, length
  elseif kind == 'c' then
    local held = redis.call('ZCOUNT', KEYS[i], '(' .. int(now), '+inf')
    local last = redis.call('ZREVRANGEBYSCORE', KEYS[i], '+inf', '(' .. int(now), 'WITHSCORES', 'LIMIT', 0, 1)[2]
    local reset = last and min(tonumber(last) - now, length) or 0
    local retry = 0
    if held >= quota then
      local ends = redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. int(now), '+inf', 'WITHSCORES', 'LIMIT', held - quota, 1)[2]
      retry = min(tonumber(ends) - now, length)
      moved[i] = last and tonumber(last) > now + length
    end
    return held < quota, max(0, quota - held), retry, reset, length
  end
  return state[1] == 0, 0, state[1], state[1], state[1]
end

local function charge(i, base)
  local kind, cost, state = ARGV[base], tonumber(ARGV[base + 4]), states[i]
  if kind == 'f' then state[2] = state[2] + cost
  elseif kind == 's' then state[3] = state[3] + cost
  elseif kind == 'g' then state[1], state[2] = add(state, cost, base)
  elseif kind == 'x' then record(state, cost, base) end
end

local function takeSlot(i, base)
  local length = tonumber(ARGV[base + 3])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', int(now))
  redis.call('ZADD', KEYS[i], int(now + length), ARGV[base + 5])
  redis.call('PEXPIRE', KEYS[i], ceil(length / 1000) + slack)
end

-- Slots that a clock set back left too far in the future end when one taken now would.
local function moveSlots(i, base)
  local latest = now + tonumber(ARGV[base + 3])
  for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], '(' .. int(latest), '+inf')) do
    redis.call('ZADD', KEYS[i], 'XX', int(latest), lease)
  end
end

local raws = redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local base = bases[i]
  if ARGV[base] == 'f' then
    local start, finish = window(base)
    if now < start or now >= finish then return { -1, now } end
  end
  read(i, base, raws[i])
end

local reply, admitted, dirty = { 0, now }, 0, {}
local rows, refusal = {}, nil
for _ = 1, times do
  local all, row, passes, charged = true, {}, {}, {}
  for i = 1, #KEYS do
    local base = bases[i]
    local admits, available, retry, reset, resetCharged = evaluate(i, base)
    local at = (i - 1) * 4
    row[at + 1], row[at + 2], row[at + 3], row[at + 4] = admits and 1 or 0, available, retry, reset
    passes[i], charged[i] = admits, resetCharged
    if not admits and ARGV[base + 1] == '0' then all = false end
  end
  if not all then refusal = row break end
  admitted = admitted + 1
  rows = row
  if not peek then
    for i = 1, #KEYS do
      local base, kind = bases[i], ARGV[bases[i]]
      if passes[i] and kind ~= 'b' then
        local at = (i - 1) * 4
        charge(i, base)
        dirty[i] = true
        row[at + 2] = row[at + 2] - (kind == 'c' and 1 or tonumber(ARGV[base + 4]))
        row[at + 4] = charged[i]
      end
    end
  end
end

if not peek then
  for i = 1, #KEYS do
    local base = bases[i]
    if ARGV[base] == 'c' then
      if moved[i] then moveSlots(i, base) end
      if dirty[i] then takeSlot(i, base) end
    elseif dirty[i] or moved[i] then
      save(i, base)
    end
  end
end

reply[1] = admitted
if admitted > 0 then for k = 1, #rows do reply[#reply + 1] = rows[k] end end
if refusal then for k = 1, #refusal do reply[#reply + 1] = refusal[k] end end
return reply
`}`
