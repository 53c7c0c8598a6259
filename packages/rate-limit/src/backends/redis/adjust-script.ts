import { STATES } from './script-states.js'

/**
 * Charges or gives back without asking.
 *
 * KEYS: one for each correction, on Cluster all in one slot. ARGV, after the clock and the limits: for each the number of
 * its limit, the units, the time of what is corrected, and the lease or ''. A state that is gone is never created to give
 * back into it.
 */
export const ADJUST: string = `${STATES}
local function clamp(count, quota) return max(0, min(count, 2 * quota)) end

local function correctSlot(key, length, by, lease)
  if by < 0 then
    call('ZREM', key, lease)
  elseif tonumber(call('ZSCORE', key, lease) or 0) > now then
    call('ZADD', key, int(now + length), lease)
    call('PEXPIRE', key, ceil(length / 1000) + slack)
  end
end

local function pairOf(live, at)
  for k = 1, #live, 2 do if live[k] >= at then return k end end
  return #live - 1
end

local function correctLog(live, d, by, at)
  local k, bucket = pairOf(live, at), extra[d]
  if by > 0 then
    local total = 0
    for j = 2, #live, 2 do total = total + live[j] end
    local units = min(by, 2 * quotas[d] - total)
    if units <= 0 then return end
    if at >= now or #live == 0 then record(live, units, bucket) else live[k + 1] = live[k + 1] + units end
  elseif k > 0 and live[k] >= at and floor(live[k] / bucket) == floor(at / bucket) then
    if live[k + 1] > -by then live[k + 1] = live[k + 1] + by
    else table.remove(live, k + 1); table.remove(live, k) end
  end
end

-- Whether anything is left, and whether the correction falls into what is kept.
local function correct(i, d, by, at)
  local kind, quota = kinds[d], quotas[d]
  if kind == 'f' then
    if at < starts[d] then return true, false end
    one[i] = clamp(one[i] + by, quota)
    return one[i] > 0, true
  elseif kind == 's' then
    local behind = starts[d] - floor(at / lengths[d])
    if behind > 1 then return true, false end
    if behind == 1 then one[i] = clamp(one[i] + by, quota) else two[i] = clamp(two[i] + by, quota) end
    return one[i] + two[i] > 0, true
  elseif kind == 'g' then
    local longest, returned = 2 * extra[d][4] + 1, by < 0 and max(0, now - at) or 0
    local whole, part = add(one[i], two[i], by, extra[d])
    whole = whole + returned
    if returned > 0 and (whole > one[i] or (whole == one[i] and part >= two[i])) then return true, false end
    one[i], two[i] = whole, part
    if one[i] > longest then one[i], two[i] = longest, 0 end
    return one[i] > 0 or (one[i] == 0 and two[i] > 0), true
  end
  correctLog(logs[i], d, by, at)
  return #logs[i] > 0, true
end

for i = 1, #KEYS do
  local d, by, at, lease = tonumber(ARGV[base]), tonumber(ARGV[base + 1]), tonumber(ARGV[base + 2]), ARGV[base + 3]
  base = base + 4
  if kinds[d] == 'c' then
    correctSlot(KEYS[i], lengths[d], by, lease)
  else
    local raw = call('GET', KEYS[i])
    if raw or by > 0 then
      read(i, d, raw)
      local left, applies = correct(i, d, by, at)
      if applies and left then save(KEYS[i], i, d) elseif applies then call('DEL', KEYS[i]) end
    end
  end
end
return 1
`

/**
 * Blocks, and replies for how many microseconds.
 *
 * ARGV, after the clock and no limits: base, factor, longest, how long to remember (microseconds), and 1 to leave a block
 * that stands.
 */
export const BLOCK: string = `${STATES}
local raw = call('GET', KEYS[1])
local first, factor, longest = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local remember, level = tonumber(ARGV[6]), 1
if raw and #raw == 32 then
  local at, lasts, before, remembered = unpack_('<dddd', raw)
  local finish = min(at, now) + lasts
  if ARGV[7] == '1' and finish > now then return finish - now end
  if now < finish + remembered then level = min(before + 1, 64) end
end
local lasts = ceil(min(first * factor ^ (level - 1), longest) / 1000) * 1000
call('SET', KEYS[1], pack('<dddd', now, lasts, level, remember), 'PX', ceil((lasts + remember) / 1000) + slack)
return lasts
`
