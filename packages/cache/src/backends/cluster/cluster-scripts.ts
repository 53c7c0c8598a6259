import { defineScript, type Script } from '../redis/scripts/script.js'

/** Replaces a cell that begins with the header given. KEYS: cell. ARGV: header, bytes, lifetime in ms. Answers 1 or 0. */
export const SWAP: Script = defineScript(`
if redis.call('GETRANGE', KEYS[1], 0, 95) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`)

/** Removes a cell that begins with the header given. KEYS: cell. ARGV: header. Answers 1 or 0. */
export const DROP: Script = defineScript(`
if redis.call('GETRANGE', KEYS[1], 0, 95) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
`)

/** Removes a cell, whatever its type, and answers its header. KEYS: cell. */
export const REMOVE_CELL: Script = defineScript(`
local f = redis.pcall('GETRANGE', KEYS[1], 0, 95)
if type(f) == 'table' then f = 'another type' end
if f == '' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('UNLINK', KEYS[1])
return f
`)

/** Raises a stamp that exists. KEYS: stamp. ARGV: time. */
export const RAISE: Script = defineScript(`
local stamp = redis.call('GET', KEYS[1])
if stamp and stamp < ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL') end
return 1
`)

/** Keeps a stamp for at least so long. KEYS: stamp. ARGV: ms. */
export const KEEP: Script = defineScript(`
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < ARGV[1] / 2 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
`)

const TIME = `
local function now_text()
  local t = redis.call('TIME')
  return string.format('%016.0f', t[1] * 1000000 + t[2])
end
`

/** Answers the store's time, which is begun when it is missing. KEYS: time. */
export const READ_TIME: Script = defineScript(
  TIME,
  `
redis.call('SET', KEYS[1], now_text(), 'NX')
return redis.call('GET', KEYS[1])
`,
)

/** Lets time pass, and remembers for which guards. KEYS: time, memory. ARGV: most to remember, guards. Answers the new time. */
export const TICK: Script = defineScript(
  TIME,
  `
local time = now_text()
local old = redis.call('GET', KEYS[1])
if old and old >= time then time = string.format('%016.0f', tonumber(old) + 1) end
redis.call('SET', KEYS[1], time)
for i = 2, #ARGV do
  local known = redis.call('HLEN', KEYS[2])
  if known == 0 or known > tonumber(ARGV[1]) then
    redis.call('UNLINK', KEYS[2])
    redis.call('HSET', KEYS[2], '', time)
  end
  redis.call('HSET', KEYS[2], ARGV[i], time)
end
return time
`,
)

/** Whether one of the guards may have been stamped after a time. KEYS: time, memory. ARGV: time, guards. Answers 1 or 0. */
export const MAY_BE_STAMPED: Script = defineScript(
  TIME,
  `
local since = redis.call('HGET', KEYS[2], '')
if not since then
  redis.call('SET', KEYS[1], now_text(), 'NX')
  since = redis.call('GET', KEYS[1])
  redis.call('HSET', KEYS[2], '', since)
end
if since > ARGV[1] then return 1 end
for i = 2, #ARGV do
  local stamp = redis.call('HGET', KEYS[2], ARGV[i])
  if stamp and stamp > ARGV[1] then return 1 end
end
return 0
`,
)
