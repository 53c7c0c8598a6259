/**
 * The part that both Redis scripts begin with: the clock, and how states are read, packed and kept.
 *
 * `read(i, base)` fills `states[i]` from a packed text, moved to now when it lies in the future; `save(i, base)` packs it
 * again with the time it still matters. `base` is where the arguments of a charge begin. The arithmetic is that of
 * `algorithms/`, which the tests hold it against. Lua counts in doubles: every number stays a whole one below 2^53, and is
 * formatted, because `tostring` rounds to 14 digits.
 *
 * Arguments of a charge: kind, shadow, quota, window in microseconds, cost (or correction), then by kind:
 * `f` start and end of its calendar window, or two zeros; `s` tick; `g` whole, part, parts, burstWhole, burstPart, burst;
 * `x` bucket; `c` lease; `b` nothing.
 */
export const STATES: string = `
local ceil, floor, max, min, match, format = math.ceil, math.floor, math.max, math.min, string.match, string.format
local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
end
local slack = ARGV[1] == '' and 1000 or 60000
local states, moved = {}, {}

local function int(value) return format('%.0f', value) end

local function window(base)
  local length, start, finish = tonumber(ARGV[base + 3]), tonumber(ARGV[base + 5]), tonumber(ARGV[base + 6])
  if finish > 0 then return start, finish end
  start = floor(now / length) * length
  return start, start + length
end

local function read(i, base, raw)
  local kind, quota, length = ARGV[base], tonumber(ARGV[base + 2]), tonumber(ARGV[base + 3])
  local most = 2 * quota
  moved[i] = false
  if kind == 'f' then
    local start = window(base)
    local used = 0
    if raw then
      local since, count = match(raw, '^(%d+):(%d+)$')
      since = tonumber(since)
      if since >= start then used = min(tonumber(count), most) end
      moved[i] = since > start
    end
    states[i] = { start, used }
  elseif kind == 's' then
    local index = floor(now / length)
    local previous, current = 0, 0
    if raw then
      local at, before, count = match(raw, '^(%d+):(%d+):(%d+)$')
      at, before, count = tonumber(at), min(tonumber(before), most), min(tonumber(count), most)
      if at >= index then previous, current = before, count
      elseif at == index - 1 then previous = count end
      moved[i] = at > index
    end
    states[i] = { index, previous, current }
  elseif kind == 'g' then
    local whole, part = 0, 0
    if raw then
      local parts, longest = tonumber(ARGV[base + 7]), 2 * tonumber(ARGV[base + 8]) + 1
      local at, ahead, fraction, of = match(raw, '^(%d+):(%d+):(%d+):(%d+)$')
      at, fraction = tonumber(at), tonumber(fraction)
      local same = tonumber(of) == parts
      whole = tonumber(ahead) - max(0, now - at)
      if fraction > 0 and not same then whole = whole + 1 end
      if whole >= 0 and same then part = fraction end
      if whole < 0 then whole = 0 end
      if whole > longest then whole, part = longest, 0 end
      moved[i] = at > now
    end
    states[i] = { whole, part }
  elseif kind == 'x' then
    local live, since = {}, now - length
    if raw then
      for at, count in string.gmatch(raw, '(%d+):(%d+)') do
        at = tonumber(at)
        if at > now then at, moved[i] = now, true end
        if at > since then live[#live + 1] = at; live[#live + 1] = tonumber(count) end
      end
    end
    states[i] = live
  elseif kind == 'b' then
    local rest = 0
    if raw then
      local at, lasts = match(raw, '^(%d+):(%d+)')
      at = tonumber(at)
      rest = max(0, min(at, now) + tonumber(lasts) - now)
      moved[i] = at > now
    end
    states[i] = { rest, raw }
  end
end

local function add(state, units, base)
  local parts = tonumber(ARGV[base + 7])
  local total = state[2] + units * tonumber(ARGV[base + 6])
  local carry = floor(total / parts)
  return state[1] + units * tonumber(ARGV[base + 5]) + carry, total - carry * parts
end

local function record(live, units, base)
  local bucket, last = tonumber(ARGV[base + 5]), #live - 1
  if last > 0 and floor(live[last] / bucket) == floor(now / bucket) then
    live[last] = now
    live[last + 1] = live[last + 1] + units
  else
    live[last + 2] = now
    live[last + 3] = units
  end
end

local function save(i, base)
  local kind, length, state = ARGV[base], tonumber(ARGV[base + 3]), states[i]
  local packed, life
  if kind == 'f' then
    local _, finish = window(base)
    packed, life = int(state[1]) .. ':' .. int(state[2]), finish - now
  elseif kind == 's' then
    packed = int(state[1]) .. ':' .. int(state[2]) .. ':' .. int(state[3])
    life = (state[1] + (state[3] > 0 and 2 or 1)) * length - now
  elseif kind == 'g' then
    packed = int(now) .. ':' .. int(state[1]) .. ':' .. int(state[2]) .. ':' .. ARGV[base + 7]
    life = state[1] + 1
  elseif kind == 'x' then
    local texts = {}
    for k = 1, #state, 2 do texts[#texts + 1] = int(state[k]) .. ':' .. int(state[k + 1]) end
    packed, life = table.concat(texts, ' '), (state[#state - 1] or now) + length - now
  elseif kind == 'b' then
    local lasts, level, remembered = match(state[2], '^%d+:(%d+):(%d+):(%d+)$')
    packed = int(now) .. ':' .. lasts .. ':' .. level .. ':' .. remembered
    life = tonumber(lasts) + tonumber(remembered)
  end
  redis.call('SET', KEYS[i], packed, 'PX', ceil(life / 1000) + slack)
end
`
