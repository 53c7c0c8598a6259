import { STATES } from './script-states.js'

/**
 * Charges or gives back without asking.
 *
 * KEYS: one for each correction, on Cluster all in one slot. ARGV: a test clock or '', then for each the arguments of a
 * charge, whose cost is the correction, followed by the time of what is corrected. A state that is gone is never created
 * to give back into it.
 */
export const ADJUST: string = `${STATES}${`
local sizes = { f = 7, s = 6, g = 11, x = 6, c = 6 }

local function clamp(count, quota) return max(0, min(count, 2 * quota)) end

local function correctSlot(key, base, by)
  local lease, length = ARGV[base + 5], tonumber(ARGV[base + 3])
  if by < 0 then
    redis.call('ZREM', key, lease)
  elseif tonumber(redis.call('ZSCORE', key, lease) or 0) > now then
    redis.call('ZADD', key, int(now + length), lease)
    redis.call('PEXPIRE', key, ceil(length / 1000) + slack)
  end
end

local function pairOf(live, at)
  for k = 1, #live, 2 do if live[k] >= at then return k end end
  return #live - 1
end

local function correctLog(live, base, by, at)
  local k, bucket = pairOf(live, at), tonumber(ARGV[base + 5])
  if by > 0 then
    local total = 0
    for j = 2, #live, 2 do total = total + live[j] end
    local units = min(by, 2 * tonumber(ARGV[base + 2]) - total)
    if units <= 0 then return end
    if at >= now or #live == 0 then record(live, units, base) else live[k + 1] = live[k + 1] + units end
  elseif k > 0 and live[k] >= at and floor(live[k] / bucket) == floor(at / bucket) then
    if live[k + 1] > -by then live[k + 1] = live[k + 1] + by
    else table.remove(live, k + 1); table.remove(live, k) end
  end
end

-- Whether anything is left, and whether the correction falls into what is kept.
local function correct(i, base, by, at)
  local kind, quota, length, state = ARGV[base], tonumber(ARGV[base + 2]), tonumber(ARGV[base + 3]), states[i]
  if kind == 'f' then
    if at < state[1] then return true, false end
    state[2] = clamp(state[2] + by, quota)
    return state[2] > 0, true
  elseif kind == 's' then
    local behind = state[1] - floor(at / length)
    if behind > 1 then return true, false end
    local k = behind == 1 and 2 or 3
    state[k] = clamp(state[k] + by, quota)
    return state[2] + state[3] > 0, true
  elseif kind == 'g' then
    local longest = 2 * tonumber(ARGV[base + 8]) + 1
    local whole, part = add(state, by, base)
    if whole > longest then whole, part = longest, 0 end
    state[1], state[2] = whole, part
    return whole > 0 or (whole == 0 and part > 0), true
  end
  correctLog(state, base, by, at)
  return #state > 0, true
end

local base = 2
for i = 1, #KEYS do
  local kind, by = ARGV[base], tonumber(ARGV[base + 4])
  local at = tonumber(ARGV[base + sizes[kind]])
  if kind == 'c' then
    correctSlot(KEYS[i], base, by)
  else
    local raw = redis.call('GET', KEYS[i])
    if raw or by > 0 then
      read(i, base, raw)
      local left, applies = correct(i, base, by, at)
      if applies and left then save(i, base) elseif applies then redis.call('DEL', KEYS[i]) end
    end
  end
  base = base + sizes[kind] + 1
end
return 1
`}`

/**
 * Blocks, and replies for how many microseconds.
 *
 * ARGV: a test clock or '', base, factor, longest, how long to remember (microseconds), and 1 to leave a block that stands.
 */
export const BLOCK: string = `${STATES}${`
local raw = redis.call('GET', KEYS[1])
local base, factor, longest, remember = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local level = 1
if raw then
  local at, lasts, before, remembered = match(raw, '^(%d+):(%d+):(%d+):(%d+)$')
  local ends = min(tonumber(at), now) + tonumber(lasts)
  if ARGV[6] == '1' and ends > now then return ends - now end
  if now < ends + tonumber(remembered) then level = min(tonumber(before) + 1, 64) end
end
local lasts = ceil(min(base * factor ^ (level - 1), longest) / 1000) * 1000
redis.call('SET', KEYS[1], int(now) .. ':' .. int(lasts) .. ':' .. int(level) .. ':' .. int(remember), 'PX', ceil((lasts + remember) / 1000) + slack)
return lasts
`}`
