import { PRELUDE } from './prelude.js'
import { defineScript, type Script } from './script.js'

const STORE = `
local function store(key, begun, start, tail, fresh, stale, grace, keep_ms)
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local times = struct.pack('>dddd', now, now + fresh, now + stale, now + grace)
  redis.call('SET', key, start .. begun .. times .. string.rep('\\0', 24) .. tail, 'PX', keep_ms)
end
`

/**
 * Stores what was computed, if the lease is still held and no guard changed since it was given.
 *
 * KEYS: entry, memory of late stamps, clock, the guards named at the claim, the guards found out since. ARGV: token, time of the claim, start, tail,
 * fresh, stale, grace and lifetime in ms, lifetime of guards, number of guards named at the claim, channel. Answers 1 or 0.
 */
export const FILL: Script = defineScript(
  PRELUDE,
  STORE,
  `
local key, late_key, clock_key = KEYS[1], KEYS[2], KEYS[3]
local begun, named = ARGV[2], tonumber(ARGV[10])
local f = fetch(key)
if not is_frame(f) or token_of(f) ~= ARGV[1] then return 0 end
local sure = true
if #KEYS > 3 then
  local stamps = redis.call('MGET', unpack(KEYS, 4))
  for i = 1, #stamps do
    if stamps[i] then
      if stamps[i] > begun then sure = false end
    elseif i <= named then
      sure = false
    else
      local since = redis.call('HGET', late_key, '')
      if not since then
        since = read_clock(clock_key)
        redis.call('HSET', late_key, '', since)
      end
      local stamp = redis.call('HGET', late_key, KEYS[3 + i])
      if since > begun or (stamp and stamp > begun) then sure = false end
    end
  end
end
tell(f, ARGV[11], key)
if not sure then
  if is_entry(f) then redis.call('SETRANGE', key, 72, string.rep('\\0', 24)) else redis.call('UNLINK', key) end
  for i = 4 + named, #KEYS do keep_guard(KEYS[i], read_clock(clock_key), ARGV[9]) end
  return 0
end
store(key, begun, ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8])
for i = 4, #KEYS do keep_guard(KEYS[i], begun, math.max(tonumber(ARGV[9]), 2 * tonumber(ARGV[8]))) end
return 1
`,
)

/**
 * Stores an entry that begins now.
 *
 * KEYS: entry, clock, guards. ARGV: condition (`absent`, `present` or empty), start, tail, fresh, stale, grace and lifetime in ms, lifetime of
 * guards, prefix of guards, channel. Answers 1 or 0.
 */
export const WRITE: Script = defineScript(
  PRELUDE,
  STORE,
  `
local key = KEYS[1]
local f = fetch(key)
if ARGV[1] ~= '' then
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local there = is_frame(f) and usable(f, now) and guards_hold(ARGV[9], names_of(f), begun_of(f))
  if there ~= (ARGV[1] == 'present') then return 0 end
end
local begun = read_clock(KEYS[2])
store(key, begun, ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7])
for i = 3, #KEYS do keep_guard(KEYS[i], begun, math.max(tonumber(ARGV[8]), 2 * tonumber(ARGV[7]))) end
tell(f, ARGV[10], key)
return 1
`,
)
