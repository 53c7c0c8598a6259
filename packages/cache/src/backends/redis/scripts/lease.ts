import { PRELUDE } from './prelude.js'
import { defineScript, type Script } from './script.js'

/** Prolongs a lease. KEYS: entry. ARGV: token, lease in ms, prefix of guards, time of the claim. Answers 1, or 0 when it is lost. */
export const RENEW: Script = defineScript(
  PRELUDE,
  `
local key = KEYS[1]
local f = fetch(key)
if not is_frame(f) or token_of(f) ~= ARGV[1] then return 0 end
if not guards_hold(ARGV[3], names_of(f), ARGV[4]) then return 0 end
local ms = tonumber(ARGV[2])
redis.call('SETRANGE', key, 84, struct.pack('>d', math.floor(now_us() / 1000) + ms))
if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
return 1
`,
)

/** Gives a lease back. KEYS: entry. ARGV: token, prefix of guards, time of the claim, channel. Answers 1, or 0 when it or a guard was lost. */
export const RELEASE: Script = defineScript(
  PRELUDE,
  `
local key = KEYS[1]
local f = fetch(key)
if not is_frame(f) or token_of(f) ~= ARGV[1] then return 0 end
local held = guards_hold(ARGV[2], names_of(f), ARGV[3])
if is_entry(f) then redis.call('SETRANGE', key, 72, string.rep('\\0', 24)) else redis.call('UNLINK', key) end
tell(f, ARGV[4], key)
return held and 1 or 0
`,
)

/**
 * Changes guards. KEYS: clock, memory of late stamps, guards. ARGV: how many stamps are remembered.
 *
 * A computation under way may yet turn out to depend on them; so they are remembered, even those that have a stamp: it may expire or be
 * evicted before the computation asks.
 */
export const STAMP: Script = defineScript(
  PRELUDE,
  `
for i = 3, #KEYS do
  local q = tick(KEYS[1])
  redis.call('SET', KEYS[i], q, 'XX', 'KEEPTTL')
  local known = redis.call('HLEN', KEYS[2])
  if known == 0 or known > tonumber(ARGV[1]) then
    redis.call('UNLINK', KEYS[2])
    redis.call('HSET', KEYS[2], '', q)
  end
  redis.call('HSET', KEYS[2], KEYS[i], q)
end
return 1
`,
)
