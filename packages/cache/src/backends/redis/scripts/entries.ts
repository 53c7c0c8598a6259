import { PRELUDE } from './prelude.js'
import { defineScript, type Script } from './script.js'

/** Removes entries and ends the leases on them. KEYS: entries. ARGV: channel, `1` to count only. Answers how many entries there were. */
export const REMOVE: Script = defineScript(
  PRELUDE,
  `
local count = 0
for i = 1, #KEYS do
  local f = redis.pcall('GETRANGE', KEYS[i], 0, 95)
  if type(f) == 'table' then f = 'another type' end
  if #f > 0 or redis.call('EXISTS', KEYS[i]) == 1 then
    if not is_frame(f) or is_entry(f) then count = count + 1 end
    if ARGV[2] ~= '1' then
      redis.call('UNLINK', KEYS[i])
      tell(f, ARGV[1], KEYS[i])
    end
  end
end
return count
`,
)

/** Reads an entry and removes it. KEYS: entry. ARGV: prefix of guards, channel. Answers the frame and the time in ms, or nothing. */
export const TAKE: Script = defineScript(
  PRELUDE,
  `
local f = fetch(KEYS[1])
if not f then return false end
redis.call('UNLINK', KEYS[1])
tell(f, ARGV[2], KEYS[1])
local now = math.floor(now_us() / 1000)
if not is_frame(f) or not usable(f, now) or not guards_hold(ARGV[1], names_of(f), begun_of(f)) then return false end
return { f, string.format('%.0f', now) }
`,
)

/** Gives an entry a new lifetime. KEYS: entry, guards. ARGV: prefix of guards, fresh, stale, grace and lifetime in ms, lifetime of guards. Answers 1 or 0. */
export const TOUCH: Script = defineScript(
  PRELUDE,
  `
local f = fetch(KEYS[1])
local now = math.floor(now_us() / 1000)
if not is_frame(f) or not usable(f, now) or not guards_hold(ARGV[1], names_of(f), begun_of(f)) then return 0 end
redis.call('SETRANGE', KEYS[1], 48, struct.pack('>ddd', now + ARGV[2], now + ARGV[3], now + ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
for name in string.gmatch(names_of(f), '[^\\n]+') do
  keep_guard(ARGV[1] .. name, begun_of(f), math.max(tonumber(ARGV[6]), 2 * tonumber(ARGV[5])))
end
return 1
`,
)

/**
 * Adds to a whole number. KEYS: entry, clock, guards. ARGV: amount, start and tail of a frame without body, fresh, stale, grace and lifetime in ms,
 * lifetime of guards, prefix of guards, channel. Answers the sum as text, or `E` when what is there is no whole number or would be too large.
 */
export const INCREMENT: Script = defineScript(
  PRELUDE,
  `
local key, by = KEYS[1], tonumber(ARGV[1])
local f = fetch(key)
local now = math.floor(now_us() / 1000)
if is_frame(f) and usable(f, now) and guards_hold(ARGV[9], names_of(f), begun_of(f)) then
  local body_at = 97 + struct.unpack('>I4', f, 9) + struct.unpack('>I4', f, 13)
  local old = string.sub(f, body_at)
  if struct.unpack('>H', f, 5) ~= 0 or not string.match(old, '^-?%d+$') then return 'E' end
  local sum = tonumber(old) + by
  if math.abs(sum) > 9007199254740991 then return 'E' end
  sum = string.format('%.0f', sum)
  redis.call('SET', key, string.sub(f, 1, 72) .. string.rep('\\0', 24) .. string.sub(f, 97, body_at - 1) .. sum, 'KEEPTTL')
  tell(f, ARGV[10], key)
  return sum
end
local begun = read_clock(KEYS[2])
local times = struct.pack('>dddd', now, now + ARGV[4], now + ARGV[5], now + ARGV[6])
local sum = string.format('%.0f', by)
redis.call('SET', key, ARGV[2] .. begun .. times .. string.rep('\\0', 24) .. ARGV[3] .. sum, 'PX', ARGV[7])
for i = 3, #KEYS do keep_guard(KEYS[i], begun, math.max(tonumber(ARGV[8]), 2 * tonumber(ARGV[7]))) end
tell(f, ARGV[10], key)
return sum
`,
)

/**
 * Whether the server still is the one that confirmed every stamp. KEYS: mark of the server, clock, namespace guard. ARGV: the server's run id.
 * A server that came back from an older copy has lost stamps: then everything stored before is made void. Answers 1, or 0 for voided.
 */
export const VERIFY: Script = defineScript(
  PRELUDE,
  `
local mark = redis.call('GET', KEYS[1])
if mark == ARGV[1] then return 1 end
redis.call('SET', KEYS[1], ARGV[1])
if not mark and redis.call('EXISTS', KEYS[2]) == 0 then return 1 end
redis.call('SET', KEYS[3], tick(KEYS[2]), 'XX', 'KEEPTTL')
return 0
`,
)
