import { PRELUDE } from './prelude.js'
import { defineScript, type Script } from './script.js'

/**
 * Reads many entries with their guards at once, and takes leases on those that must be computed.
 *
 * KEYS: the entries, then the guards that their askers named, each once. ARGV: key of the clock, prefix of guards, lifetime of guards in ms, token,
 * wishes, then terms of three each: lease in ms, names of guards, their places. A wish is three signs: the mode, and the number of its terms;
 * numbers and places are two signs in base 64 from `0`. Modes: `r` read, `h` read the head, `n` need, `f` refresh, `s` steal.
 *
 * Answers one text for each wish, and at last the server's time in ms. A frame as it is: found. `N`: nothing. `X`: something foreign, removed.
 * `B` and a frame or nothing: leased to somebody else. `L`, the time at which the computation begins, and a frame or nothing: leased to the asker.
 */
export const CLAIM: Script = defineScript(
  PRELUDE,
  `
local clock_key, prefix, guard_ms, token, wishes = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local n = #wishes / 3
local values = redis.call('MGET', unpack(KEYS))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local clock
local out, latest = {}, {}
for i = 1, n do
  local mode_byte, high, low = string.byte(wishes, 3 * i - 2, 3 * i)
  local mode = string.char(mode_byte)
  local a = 6 + 3 * ((high - 48) * 64 + low - 48)
  local names, places = ARGV[a + 1], ARGV[a + 2]
  local key = KEYS[i]
  local f = latest[key] or values[i]
  local foreign = f and not is_frame(f)
  local valid = false
  if f and not foreign then
    local begun = begun_of(f)
    if names_of(f) == names then
      valid = true
      for p = 1, #places, 2 do
        local high, low = string.byte(places, p, p + 1)
        local stamp = values[n + 1 + (high - 48) * 64 + low - 48]
        if not stamp or stamp > begun then
          valid = false
          break
        end
      end
    else
      valid = guards_hold(prefix, names_of(f), begun)
    end
  end
  local found = valid and usable(f, now)
  local fresh = found and now < struct.unpack('>d', f, 49)
  local shown = ''
  if found then
    shown = f
    if mode == 'h' then shown = string.sub(f, 1, 96 + #names_of(f) + struct.unpack('>I4', f, 13)) end
  end
  if mode == 'r' or mode == 'h' then
    if foreign then
      redis.call('UNLINK', key)
      out[i] = 'X'
    else
      out[i] = found and shown or 'N'
    end
  elseif fresh and mode == 'n' then
    out[i] = shown
  else
    local held = valid and string.byte(f, 73) ~= 0 and now < struct.unpack('>d', f, 85)
    if held and mode ~= 's' then
      if fresh then
        out[i] = shown
      else
        if string.byte(f, 93) == 0 then redis.call('SETRANGE', key, 92, '\\1') end
        out[i] = 'B' .. shown
      end
    else
      clock = clock or read_clock(clock_key)
      for p = 1, #places, 2 do
        local high, low = string.byte(places, p, p + 1)
        local place = n + 1 + (high - 48) * 64 + low - 48
        if not values[place] then
          redis.call('SET', KEYS[place], clock, 'PX', guard_ms)
          values[place] = clock
        end
      end
      local lease_ms = tonumber(ARGV[a])
      local lease = token .. struct.pack('>d', now + lease_ms)
      if found then
        if string.byte(f, 93) == 1 then lease = lease .. '\\1' end
        redis.call('SETRANGE', key, 72, lease)
        if redis.call('PTTL', key) < lease_ms then redis.call('PEXPIRE', key, lease_ms) end
        latest[key] = string.sub(f, 1, 72) .. lease .. string.sub(f, 73 + #lease)
      else
        local waiting = f and not foreign and string.sub(f, 93, 93) or '\\0'
        local stub = struct.pack('>BBBBHHI4I4I4I4', 80, 1, 0, 0, 0, 0, #names, 0, 0, 0)
          .. clock .. string.rep('\\0', 32) .. lease .. waiting .. '\\0\\0\\0' .. names
        redis.call('SET', key, stub, 'PX', lease_ms)
        latest[key] = stub
      end
      out[i] = 'L' .. clock .. shown
    end
  end
end
out[n + 1] = string.format('%.0f', now)
return out
`,
)
