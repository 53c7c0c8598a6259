import type { Limit } from '../../policy/limit.js'
import {
  chosenByKind,
  composeScript,
  READ_LIMITS,
  type ScriptClock,
  variablesOf,
  withFields,
  withLocals,
} from './compose-script.js'
import type { LimitScript } from './limit-script.js'
import { limitScriptOf } from './limit-scripts.js'

/** What a script is to decide, which is the same for all of its calls. */
export interface DecideShape extends ScriptClock {
  /** The limits of each call. */
  readonly limits: readonly Limit[]
  /** Whether it only looks. */
  readonly peek: boolean
}

/** Calls with more limits than this are decided by one script for all: scripts stay few, and below 200 variables. */
const MOST_UNROLLED = 8

/** Whether the limits of a shape are told with their kinds, because its script is for any. */
export function isLooped({ limits }: Pick<DecideShape, 'limits'>): boolean {
  return limits.length > MOST_UNROLLED
}

/** Names the script of a shape: equal names, equal scripts. */
export function shapeName({ limits, peek, isTold }: DecideShape): string {
  const how = `${peek ? 'p' : ''}${isTold ? 't' : ''}`
  if (isLooped({ limits })) return `${how}*`
  return `${how}:${limits.map((limit) => `${limitScriptOf(limit).kind}${limit.shadow ? '~' : ''}`).join('')}`
}

/**
 * A script that decides any number of calls in a row, each all or nothing: it evaluates every charge of a call, then
 * writes what was admitted.
 *
 * KEYS: one for each charge of each call, on Cluster all in one slot. ARGV: the clock, when it is told; what each limit is
 * told; then for each call what its charges are told. Replies the clock, then for each call whether it was admitted, and
 * what its limits reply. Or the clock and -1: what was told is not of now.
 */
export function decideScript(shape: DecideShape): string {
  return composeScript(isLooped(shape) ? loopedBody(shape) : unrolledBody(shape), shape)
}

function unrolledBody({ limits, peek, isTold }: DecideShape): string {
  const scripts = limits.map(limitScriptOf)
  const pieces = (piece: (script: LimitScript, i: number) => string): string =>
    scripts.map((script, i) => withLocals(piece(script, i), i + 1)).join('\n')
  let told = isTold ? 1 : 0
  const prepared = pieces((script) => {
    const values = script.told.map((name) => `$${name} = tonumber(ARGV[${++told}])`)
    return [...values, block(script.prepare)].join('\n')
  })
  let from = 0
  const evaluated = pieces((script, i) => {
    const argument = script.charged === undefined ? '' : `$${script.charged} = ${chargedFrom(script, `a + ${++from}`)}`
    const judged = limits[i]?.shadow === true ? '' : 'if not $fits then admitted = false end'
    return [`$key = KEYS[k + ${i + 1}]`, argument, block(script.read), block(script.admit), judged].join('\n')
  })
  let said = 1
  const replied = pieces(({ replies }) => replies.map((reply) => `reply[said + ${++said}] = ${reply}`).join('\n'))
  const written = peek ? '' : pieces(writePiece)
  const body = `
local reply, said, a = { ${['now', ...new Array(said).fill('0')].join(', ')} }, 1, ${told}
for k = 0, #KEYS - 1, ${limits.length} do
  local admitted = true
${evaluated}
  reply[said + 1] = admitted and 1 or 0
${replied}
  said, a = said + ${said}, a + ${from}
${written}
end
return reply`
  return `${localsOf(scripts)}${prepared}${body}`
}

function loopedBody({ peek, isTold }: DecideShape): string {
  const evaluated = chosenByKind((script) => {
    const { charged, read, admit, replies } = script
    const argument = charged === undefined ? '' : `v.${charged} = ${chargedFrom(script, 'a + 1')}\na = a + 1`
    const replied = replies.map((reply, i) => `reply[said + ${i + 1}] = ${reply}`)
    return withFields([argument, block(read), block(admit), ...replied, `said = said + ${replies.length}`].join('\n'))
  })
  const written = `
  for i = 1, #limits do
    local v = limits[i]
${chosenByKind((script) => withFields(writePiece(script)))}
  end`
  return `
local a = ${isTold ? 1 : 0}
${READ_LIMITS}
local reply, said = { now }, 1
for k = 0, #KEYS - 1, #limits do
  local admitted, at = true, said + 1
  said = at
  for i = 1, #limits do
    local v = limits[i]
    v.key = KEYS[k + i]
${evaluated}
    if not v.fits and not v.watches then admitted = false end
  end
  reply[at] = admitted and 1 or 0
${peek ? '' : written}
end
return reply`
}

function writePiece({ charge, save }: LimitScript): string {
  if (charge === undefined) return `if $moved then ${block(save)} end`
  return `if admitted and $fits then ${block(charge)} ${block(save)} elseif $moved then ${block(save)} end`
}

function chargedFrom({ charged }: LimitScript, index: string): string {
  return charged === 'cost' ? `tonumber(ARGV[${index}])` : `ARGV[${index}]`
}

/** Keeps the locals of a piece to itself. */
function block(piece: string): string {
  return piece === '' ? '' : `do${piece}\nend`
}

function localsOf(scripts: readonly LimitScript[]): string {
  const names = scripts.flatMap((script, i) => {
    const { told, prepare, read, admit, charge = '', save, charged = 'key' } = script
    const variables = variablesOf([prepare, read, admit, charge, save].join('\n'))
    return [...new Set([...told, ...variables, charged, 'key'])].map((name) => `${name}_${i + 1}`)
  })
  return `local ${names.join(', ')}\n`
}
