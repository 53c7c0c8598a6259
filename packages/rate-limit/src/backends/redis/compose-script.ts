import { everyLimitScript } from './limit-scripts.js'

/** What stands in front of a script, in this order, where it is used: each costs a little of every call. */
const HELPERS: Readonly<Record<string, string>> = {
  call: 'local call = redis.call',
  pack: 'local pack = struct.pack',
  unpack_: 'local unpack_ = struct.unpack',
  floor: 'local floor = math.floor',
  ceil: 'local ceil = math.ceil',
  max: 'local max = math.max',
  min: 'local min = math.min',
  clamp: 'local function clamp(count, most) return max(0, min(count, most)) end',
  int: "local function int(value) return string.format('%.0f', value) end",
}

/** How a script tells the time. */
export interface ScriptClock {
  /** For tests: the first argument is the time, in place of the server's. */
  readonly isTold: boolean
}

/** A whole script: `body` behind the clock, and behind what both use. */
export function composeScript(body: string, { isTold }: ScriptClock): string {
  const clock = isTold
    ? 'local now, slack = tonumber(ARGV[1]), 60000'
    : "local time = call('TIME')\nlocal now, slack = time[1] * 1000000 + time[2], 1000"
  let lines = `${clock}\n${body}`
  for (const [name, definition] of Object.entries(HELPERS).toReversed()) {
    if (new RegExp(`\\b${name}\\(`).test(lines)) lines = `${definition}\n${lines}`
  }
  return lines
}

/** A piece of a script with its variables as locals of their own: the quickest, but a script has at most 200. */
export function withLocals(piece: string, position: number): string {
  return piece.replaceAll(VARIABLE, `$1_${position}`)
}

/** A piece of a script with its variables in the table `v`. */
export function withFields(piece: string): string {
  return piece.replaceAll(VARIABLE, 'v.$1')
}

/** The variables of a piece. */
export function variablesOf(piece: string): readonly string[] {
  return [...new Set([...piece.matchAll(VARIABLE)].map(([, name]) => name ?? ''))]
}

const VARIABLE = /\$([A-Za-z]\w*)/g

/**
 * Reads limits into the table `limits`: for each its kind, whether it only watches, and what it is told. `a` is the
 * argument before the next one.
 */
export const READ_LIMITS: string = `
local limits = {}
for i = 1, tonumber(ARGV[a + 1]) do
  local v = { kind = ARGV[a + 2], watches = ARGV[a + 3] == '1' }
  limits[i] = v
${chosenByKind(({ told, prepare }) =>
  [
    ...told.map((name, i) => `v.${name} = tonumber(ARGV[a + ${4 + i}])`),
    withFields(prepare),
    `a = a + ${told.length}`,
  ].join('\n'),
)}
  a = a + 2
end
a = a + 1`

/** One piece for each kind of limit, of which the kind of `v` chooses. */
export function chosenByKind(piece: (script: (typeof everyLimitScript)[number]) => string): string {
  const branches = everyLimitScript.map((script) => `if v.kind == '${script.kind}' then\n${piece(script)}\n`)
  return `${branches.join('else')}end`
}
