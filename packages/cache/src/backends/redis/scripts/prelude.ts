/**
 * What the scripts of a single server share: how a frame is read (see `frame.ts`; Lua counts from 1), whether its guards are
 * older than its computation, and the store's time, which never goes back and follows the server's clock in microseconds.
 */
export const PRELUDE = `
local function now_us()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local function text_of(us) return string.format('%016.0f', us) end
local function read_clock(key)
  local q = redis.call('GET', key)
  if not q then
    q = text_of(now_us())
    redis.call('SET', key, q)
  end
  return q
end
local function tick(key)
  local us = now_us()
  local q = redis.call('GET', key)
  if q and tonumber(q) >= us then us = tonumber(q) + 1 end
  q = text_of(us)
  redis.call('SET', key, q)
  return q
end
local function fetch(key) return redis.call('MGET', key)[1] end
local function is_frame(f)
  return f and #f >= 96 and string.byte(f, 1) == 80 and string.byte(f, 2) == 1
end
local function is_entry(f) return string.byte(f, 3) == 1 end
local function names_of(f) return string.sub(f, 97, 96 + struct.unpack('>I4', f, 9)) end
local function begun_of(f) return string.sub(f, 25, 40) end
local function token_of(f) return string.sub(f, 73, 84) end
local function usable(f, now)
  return is_entry(f) and now < math.max(struct.unpack('>d', f, 57), (struct.unpack('>d', f, 65)))
end
local function guards_hold(prefix, names, begun)
  local keys = {}
  for name in string.gmatch(names, '[^\\n]+') do keys[#keys + 1] = prefix .. name end
  if #keys == 0 then return true end
  local stamps = redis.call('MGET', unpack(keys))
  for i = 1, #keys do
    if not stamps[i] or stamps[i] > begun then return false end
  end
  return true
end
local function tell(f, channel, key)
  if is_frame(f) and string.byte(f, 93) == 1 then redis.call('PUBLISH', channel, key) end
end
local function keep_guard(key, begun, ms)
  local left = redis.call('PTTL', key)
  if left == -2 then
    redis.call('SET', key, begun, 'PX', ms)
  elseif left >= 0 and left < ms / 2 then
    redis.call('PEXPIRE', key, ms)
  end
end
`
