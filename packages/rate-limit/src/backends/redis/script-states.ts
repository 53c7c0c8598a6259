/**
 * The part that the scripts begin with: the clock, the limits of the call, and how states are read and kept.
 *
 * ARGV begins with a test clock or '', then how many limits there are, then for each: kind, shadow, quota, window in
 * microseconds, and by kind: `f` start and end of its calendar window, or two zeros; `s` tick; `g` whole, part, parts,
 * burstWhole, burstPart, burst; `x` bucket; `c` and `b` nothing. Charges name limits by number. `base` is left where the
 * limits end.
 *
 * `read(i, d, raw)` takes the state of charge `i` of limit `d` apart, moved to now when it lies in the future; `save` puts
 * it together again and keeps it for as long as it matters. The arithmetic is that of `algorithms/`, which the tests hold
 * it against. Lua counts in doubles: every number stays a whole one below 2^53. States are packed doubles, which is
 * several times quicker here than text.
 */
export const STATES: string = `
local call, pack, unpack_ = redis.call, struct.pack, struct.unpack
local ceil, floor, max, min = math.ceil, math.floor, math.max, math.min
local now
if ARGV[1] == '' then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
end
local slack = ARGV[1] == '' and 1000 or 60000

-- Of each limit: its first numbers, its window as it stands (f start and end, s number and how far into it), its rest.
local kinds, watches, quotas, lengths, starts, ends, extra = {}, {}, {}, {}, {}, {}, {}
local sizes = { f = 6, s = 5, g = 10, x = 5, c = 4, b = 4 }
local base = 3
for d = 1, tonumber(ARGV[2]) do
  local kind, length = ARGV[base], tonumber(ARGV[base + 3])
  kinds[d], watches[d], quotas[d], lengths[d] = kind, ARGV[base + 1] == '1', tonumber(ARGV[base + 2]), length
  if kind == 's' then
    starts[d] = floor(now / length)
    ends[d] = now - starts[d] * length
    extra[d] = tonumber(ARGV[base + 4])
  elseif kind == 'f' then
    starts[d], ends[d] = tonumber(ARGV[base + 4]), tonumber(ARGV[base + 5])
    if ends[d] == 0 then
      starts[d] = floor(now / length) * length
      ends[d] = starts[d] + length
    end
  elseif kind == 'g' then
    local rate = {}
    for k = 1, 6 do rate[k] = tonumber(ARGV[base + 3 + k]) end
    extra[d] = rate
  elseif kind == 'x' then
    extra[d] = tonumber(ARGV[base + 4])
  end
  base = base + sizes[kind]
end

-- What states hold, by the number of the charge: f used; s previous, current; g whole, part ahead of now; b rest, lasts,
-- level, remembered; x a log of times and counts.
local one, two, three, four, logs, moved = {}, {}, {}, {}, {}, {}

local function int(value) return string.format('%.0f', value) end

local function read(i, d, raw)
  local kind = kinds[d]
  moved[i] = false
  if kind == 's' then
    one[i], two[i] = 0, 0
    if raw and #raw == 24 then
      local at, before, count = unpack_('<ddd', raw)
      local index, most = starts[d], 2 * quotas[d]
      if at >= index then
        one[i], two[i], moved[i] = min(before, most), min(count, most), at > index
      elseif at == index - 1 then
        one[i] = min(count, most)
      end
    end
  elseif kind == 'b' then
    one[i] = 0
    if raw and #raw == 32 then
      local at
      at, two[i], three[i], four[i] = unpack_('<dddd', raw)
      one[i], moved[i] = max(0, min(at, now) + two[i] - now), at > now
    end
  elseif kind == 'f' then
    one[i] = 0
    if raw and #raw == 16 then
      local since, count = unpack_('<dd', raw)
      if since >= starts[d] then one[i], moved[i] = min(count, 2 * quotas[d]), since > starts[d] end
    end
  elseif kind == 'g' then
    local whole, part = 0, 0
    if raw and #raw == 32 then
      local parts, longest = extra[d][3], 2 * extra[d][4] + 1
      local at, ahead, fraction, of = unpack_('<dddd', raw)
      whole = ahead - max(0, now - at)
      if fraction > 0 and of ~= parts then whole = whole + 1 end
      if whole >= 0 and of == parts then part = fraction end
      if whole < 0 then whole = 0 end
      if whole > longest then whole, part = longest, 0 end
      moved[i] = at > now
    end
    one[i], two[i] = whole, part
  elseif kind == 'x' then
    local live, since = {}, now - lengths[d]
    for from = 1, raw and #raw or 0, 16 do
      local at, count = unpack_('<dd', raw, from)
      if at > now then at, moved[i] = now, true end
      if at > since then live[#live + 1] = at; live[#live + 1] = count end
    end
    logs[i] = live
  end
end

-- Adds the time of some units to a time of whole and part microseconds.
local function add(whole, part, units, rate)
  local total = part + units * rate[2]
  local carry = floor(total / rate[3])
  return whole + units * rate[1] + carry, total - carry * rate[3]
end

local function record(live, units, bucket)
  local last = #live - 1
  if last > 0 and floor(live[last] / bucket) == floor(now / bucket) then
    live[last] = now
    live[last + 1] = live[last + 1] + units
  else
    live[last + 2] = now
    live[last + 3] = units
  end
end

local function save(key, i, d)
  local kind, state, life = kinds[d]
  if kind == 's' then
    state, life = pack('<ddd', starts[d], one[i], two[i]), (two[i] > 0 and 2 or 1) * lengths[d] - ends[d]
  elseif kind == 'f' then
    state, life = pack('<dd', starts[d], one[i]), ends[d] - now
  elseif kind == 'g' then
    state, life = pack('<dddd', now, one[i], two[i], extra[d][3]), one[i] + 1
  elseif kind == 'x' then
    local live, texts = logs[i], {}
    for k = 1, #live, 2 do texts[#texts + 1] = pack('<dd', live[k], live[k + 1]) end
    state, life = table.concat(texts), (live[#live - 1] or now) + lengths[d] - now
  else
    state, life = pack('<dddd', now, two[i], three[i], four[i]), two[i] + four[i]
  end
  call('SET', key, state, 'PX', ceil(life / 1000) + slack)
  return state
end
`
