import { ConfigError, type Duration, type Fault, parseDuration } from '@plinth/config/units'
import { Calendar, type CalendarUnit } from './calendar.js'
import type { LimitAlgorithm } from './limit.js'

/**
 * A limit as its author writes it: text, or the same as an object.
 *
 * - `'100/1m'`, `'100/minute'`: sliding, unless another algorithm is named
 * - `'1000/1d fixed'`, `'50000/month fixed Europe/Berlin'`: by the clock or the calendar, UTC unless said
 * - `'100/1m gcra'`, `'100/1m gcra burst 20'`: evenly, with a burst (the quota, unless said)
 * - `'5/15m strict'`: never more than 5 in any 15 minutes
 * - `'concurrency 3'`, `'concurrency 3 lease 1m'`: at most 3 in flight
 * - `'tokens: 90000/1m'`: counts tokens instead of requests; see `cost` of `check`
 * - `... shadow`: watches and reports, never refuses
 */
export type LimitInput = string | QuotaInput | ConcurrencyInput

/** A quota per window, as an object. */
export interface QuotaInput {
  readonly limit: number
  /** A duration such as `'1m'`, or a unit: `second`, `minute`, `hour`, `day`, `week`; `month` for `fixed`. */
  readonly per: Duration
  /** Default `sliding`. */
  readonly algorithm?: Exclude<LimitAlgorithm, 'concurrency'>
  /** For `gcra`: how much at once. Default: the limit. */
  readonly burst?: number
  /** For `fixed` by the day, the week or the month: an IANA name. Default `UTC`. */
  readonly timeZone?: string
  /** What is counted, when not requests. */
  readonly unit?: string
  /** Watch only. Default false. */
  readonly shadow?: boolean
}

/** A limit of what is in flight, as an object. */
export interface ConcurrencyInput {
  readonly concurrency: number
  /** How long a slot outlives a holder that died. Default `'30s'`. */
  readonly lease?: Duration
  /** Watch only. Default false. */
  readonly shadow?: boolean
}

/** A limit that was understood, before a policy and a tier make it a `Limit`. */
export interface ParsedLimit {
  readonly algorithm: LimitAlgorithm
  readonly quota: number
  readonly windowMs: number
  readonly burst: number | undefined
  readonly calendar: Calendar | undefined
  readonly unit: string | undefined
  readonly shadow: boolean
}

/**
 * Understands one limit.
 *
 * @param what names its place in the error, such as `policy "api"`.
 * @throws ConfigError with one fault that quotes the limit and says what was expected.
 */
export function parseLimit(input: LimitInput, what = 'A rate limit'): ParsedLimit {
  try {
    const fields = typeof input === 'string' ? fieldsOfText(input) : fieldsOfObject(input)
    return understand(fields)
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error
    throw new ConfigError([faultOf(input, what, error.message)])
  }
}

const UNITS: Readonly<Record<string, string>> = {
  second: '1s',
  minute: '1m',
  hour: '1h',
  day: '1d',
  week: '1w',
  sec: '1s',
  min: '1m',
}
const CALENDAR_UNITS: Readonly<Record<number, CalendarUnit>> = { 86400000: 'day', 604800000: 'week' }
const MONTH = 31 * 86_400_000
const LONGEST = 366 * 86_400_000
const DEFAULT_LEASE = '30s'
const MOST_IN_FLIGHT = 10_000
const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,31}$/

const CONCURRENCY_FIELDS: Readonly<Record<keyof ConcurrencyInput, true>> = {
  concurrency: true,
  lease: true,
  shadow: true,
}
const QUOTA_FIELDS: Readonly<Record<keyof QuotaInput, true>> = {
  limit: true,
  per: true,
  algorithm: true,
  burst: true,
  timeZone: true,
  unit: true,
  shadow: true,
}

/** What a limit says, not yet checked. */
interface Fields {
  algorithm?: string | undefined
  quota: number
  per: Duration
  burst?: number | undefined
  timeZone?: string | undefined
  unit?: string | undefined
  shadow: boolean
}

/** Why a limit was not understood, as a clause. */
class NotUnderstood extends Error {}

function fieldsOfText(text: string): Fields {
  const [, unit, body = ''] = /^\s*(?:([^\s:]+):\s)?(.*)$/s.exec(text) ?? []
  const words = body.trim().split(/\s+/)
  const first = words.shift() ?? ''
  const isConcurrency = first === 'concurrency'
  const [quota, per] = isConcurrency ? [words.shift() ?? '', DEFAULT_LEASE] : splitOnce(first)
  const fields: Fields = { quota: wholeNumber(quota), per, unit, shadow: false }
  if (isConcurrency) fields.algorithm = 'concurrency'
  const said = new Set<string>()
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const what = readWord(word, words, fields)
    requireThat(!said.has(what), `says ${what} twice`)
    said.add(what)
  }
  return fields
}

/** Reads a word and what belongs to it. Answers what it was about: that is said once. */
function readWord(word: string, rest: string[], fields: Fields): string {
  if (word === 'shadow') fields.shadow = true
  else if (word === 'burst') fields.burst = wholeNumber(rest.shift() ?? '')
  else if (word === 'lease' && fields.algorithm === 'concurrency') fields.per = rest.shift() ?? ''
  else if (isQuotaAlgorithm(word) && fields.algorithm === undefined) fields.algorithm = word
  else if (word === 'UTC' || word.includes('/')) {
    fields.timeZone = word
    return 'the time zone'
  } else throw new NotUnderstood(`does not know the word "${word.slice(0, 32)}"`)
  return word
}

function fieldsOfObject(input: QuotaInput | ConcurrencyInput): Fields {
  if (typeof input !== 'object' || input === null) throw new NotUnderstood('must be a text or an object')
  const shadow = input.shadow ?? false
  requireThat(typeof shadow === 'boolean', 'needs true or false for shadow')
  const isConcurrency = 'concurrency' in input
  for (const name of Object.keys(input)) {
    const isKnown = Object.hasOwn(isConcurrency ? CONCURRENCY_FIELDS : QUOTA_FIELDS, name)
    requireThat(isKnown, `has the unknown field "${name.slice(0, 32)}"`)
  }
  if (isConcurrency) {
    return { algorithm: 'concurrency', quota: input.concurrency, per: input.lease ?? DEFAULT_LEASE, shadow }
  }
  const { limit: quota, per, algorithm, burst, timeZone, unit } = input
  return { algorithm, quota, per, burst, timeZone, unit, shadow }
}

function understand(fields: Fields): ParsedLimit {
  const { quota, burst, unit, shadow } = fields
  const algorithm = knownAlgorithm(fields.algorithm ?? 'sliding')
  const calendarUnit = fields.per === 'month' ? 'month' : undefined
  const windowMs = calendarUnit === 'month' ? MONTH : windowOf(fields.per)
  requireThat(Number.isSafeInteger(quota) && quota >= 1, 'needs a whole limit of at least 1')
  requireThat(algorithm !== 'concurrency' || quota <= MOST_IN_FLIGHT, `allows at most ${MOST_IN_FLIGHT} in flight`)
  requireThat(burst === undefined || algorithm === 'gcra', 'can have a burst only with gcra')
  requireThat(burst === undefined || (Number.isSafeInteger(burst) && burst >= 1), 'needs a whole burst of at least 1')
  requireThat(
    unit === undefined || (typeof unit === 'string' && NAME.test(unit)),
    'needs a unit of letters, digits and ._- that begins with a letter',
  )
  requireThat(unit === undefined || algorithm !== 'concurrency', 'counts slots, whatever the unit')
  const calendar = calendarOf(algorithm, calendarUnit ?? CALENDAR_UNITS[windowMs], fields.timeZone)
  requireThat(calendarUnit === undefined || calendar !== undefined, 'can count by the month only with fixed')
  return { algorithm, quota, windowMs, burst, calendar, unit, shadow }
}

function calendarOf(
  algorithm: LimitAlgorithm,
  unit: CalendarUnit | undefined,
  timeZone: string | undefined,
): Calendar | undefined {
  if (algorithm !== 'fixed' || unit === undefined) {
    requireThat(timeZone === undefined, 'can have a time zone only with fixed, by the day, the week or the month')
    return undefined
  }
  if (unit === 'day' && (timeZone ?? 'UTC') === 'UTC') return undefined // every 86,400 s since the epoch
  try {
    return new Calendar(unit, timeZone ?? 'UTC')
  } catch {
    throw new NotUnderstood(`does not know the time zone "${String(timeZone).slice(0, 64)}"`)
  }
}

function windowOf(per: Duration): number {
  try {
    const windowMs = parseDuration(typeof per === 'string' && Object.hasOwn(UNITS, per) ? (UNITS[per] ?? per) : per)
    if (windowMs >= 1 && windowMs <= LONGEST) return windowMs
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
  }
  throw new NotUnderstood('needs a window between 1ms and 366d')
}

function splitOnce(text: string): readonly [string, string] {
  const slash = text.indexOf('/')
  if (slash < 0) throw new NotUnderstood('needs a limit and a window')
  return [text.slice(0, slash), text.slice(slash + 1)]
}

function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

function isQuotaAlgorithm(word: string): word is Exclude<LimitAlgorithm, 'concurrency'> {
  return word === 'fixed' || word === 'sliding' || word === 'gcra' || word === 'strict'
}

function knownAlgorithm(word: string): LimitAlgorithm {
  if (isQuotaAlgorithm(word) || word === 'concurrency') return word
  throw new NotUnderstood('must be fixed, sliding, gcra, strict or concurrency')
}

function requireThat(holds: boolean, expected: string): void {
  if (!holds) throw new NotUnderstood(expected)
}

function faultOf(input: LimitInput, what: string, problem: string): Fault {
  const shown = typeof input === 'string' ? JSON.stringify(input.slice(0, 64)) : safeJson(input)
  return {
    id: 'invalid-rate-limit',
    subjects: [what],
    problem: `has a limit that ${problem} (got ${shown})`,
    remedy: "Write it as '100/1m', '1000/1d fixed', '100/1m gcra burst 20', '5/15m strict' or 'concurrency 3'.",
  }
}

function safeJson(input: unknown): string {
  try {
    return (JSON.stringify(input) ?? String(input)).slice(0, 96)
  } catch {
    return 'an object'
  }
}
