import { chosenByKind, composeScript, READ_LIMITS, type ScriptClock, withFields } from './compose-script.js'

/**
 * The script that charges or gives back without asking.
 *
 * KEYS: one for each correction, on Cluster all in one slot. ARGV: the clock, when it is told; how many limits there are,
 * and each; then for each correction the number of its limit, the units, the time of what is corrected, and the lease or
 * ''. A state that is gone is never created to give back into it. Replies -1 behind the clock when what was told of a
 * calendar is not of now; then nothing was corrected.
 */
export function adjustScript(clock: ScriptClock): string {
  return composeScript(
    `
local a = ${clock.isTold ? 1 : 0}
${READ_LIMITS}
for i = 1, #KEYS do
  local v = limits[tonumber(ARGV[a + 1])]
  v.key, v.by, v.at, v.lease = KEYS[i], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3]), ARGV[a + 4]
  a = a + 4
${chosenByKind(
  ({ read, correct, save }) => `
${withFields(read)}
if v.raw or v.by > 0 then
  v.applies, v.left = true, false
${withFields(correct)}
  if v.applies and v.left then
${withFields(save)}
  elseif v.applies and v.raw then
    call('DEL', v.key)
  end
end`,
)}
end
return { now, 1 }`,
    clock,
  )
}

/**
 * The script that blocks, and replies for how many microseconds.
 *
 * ARGV: the clock, when it is told; base, factor, longest, how long to remember (microseconds), and 1 to leave a block
 * that stands.
 */
export function blockScript(clock: ScriptClock): string {
  return composeScript(
    `
local a = ${clock.isTold ? 1 : 0}
local raw = call('GET', KEYS[1])
local first, factor, longest = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
local remember, level = tonumber(ARGV[a + 4]), 1
if raw and #raw == 32 then
  local at, lasts, before, remembered = unpack_('<dddd', raw)
  local finish = min(at, now) + lasts
  if ARGV[a + 5] == '1' and finish > now then return finish - now end
  if now < finish + remembered then level = min(before + 1, 64) end
end
local lasts = ceil(min(first * factor ^ (level - 1), longest) / 1000) * 1000
call('SET', KEYS[1], pack('<dddd', now, lasts, level, remember), 'PX', ceil((lasts + remember) / 1000) + slack)
return lasts`,
    clock,
  )
}
