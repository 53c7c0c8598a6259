import { type Duration, parseDuration } from '@plinth/config/units'
import { LANES } from './lane.js'
import { TaskDefinitionError } from './task-errors.js'

/** What an option may be, in words and as a question. */
export interface Kind {
  readonly words: string
  readonly is: (value: unknown) => boolean
}

/** What each option of a call may be. */
export type Kinds<Options> = Readonly<Record<keyof Options, Kind>>

/** Judged where it is used. */
export const ANY: Kind = { words: 'given', is: () => true }
export const TEXT: Kind = {
  words: 'a text that is not empty',
  is: (value) => typeof value === 'string' && value !== '',
}
export const FUNCTION: Kind = { words: 'a function', is: (value) => typeof value === 'function' }
export const SWITCH: Kind = { words: 'true or false', is: (value) => typeof value === 'boolean' }
export const OBJECT: Kind = { words: 'an object', is: isObject }
export const LIST: Kind = { words: 'a list', is: Array.isArray }
export const NUMBER: Kind = { words: 'a number', is: Number.isFinite }
/** What is more than a number or a text is judged by {@link durationOf}. */
export const DURATION: Kind = {
  words: "a duration, such as '5m' or a number of milliseconds",
  is: (value) => typeof value === 'number' || typeof value === 'string',
}
export const MOMENT: Kind = {
  words: 'a valid date, or milliseconds since the Unix epoch',
  is: (value) => (value instanceof Date || typeof value === 'number') && Math.abs(Number(value)) <= LAST_MOMENT,
}
export const SIGNAL: Kind = { words: 'an AbortSignal', is: (value) => has(value, 'addEventListener') }
export const LOGGER: Kind = {
  words: 'a logger with debug, info, warn and error, such as pino',
  is: (value) => has(value, 'debug', 'info', 'warn', 'error'),
}
export const LANE: Kind = oneOf(...LANES)

export const TASK: Kind = having('a task, made by defineTask', 'parseInput', 'upcast')

/** The last moment that a `Date` can name. */
const LAST_MOMENT = 8_640_000_000_000_000
/** A hundred years: what is meant to be longer was meant otherwise. */
const LONGEST_MS = 3_153_600_000_000

/** One of some texts. */
export function oneOf(...texts: readonly string[]): Kind {
  return { words: `one of ${texts.join(', ')}`, is: (value) => texts.includes(value as string) }
}

/** A whole number within bounds. */
export function wholeFrom(least: number, most: number = Number.MAX_SAFE_INTEGER): Kind {
  const to = most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`
  const is = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
  return { words: `a whole number from ${least} ${to}`, is }
}

/** What is of one kind or the other. */
export function either(one: Kind, other: Kind): Kind {
  return { words: `${one.words}, or ${other.words}`, is: (value) => one.is(value) || other.is(value) }
}

/** An object that has these functions. */
export function having(words: string, ...functions: readonly string[]): Kind {
  return { words, is: (value) => has(value, ...functions) }
}

/**
 * Refuses what is no object of options, an option that does not exist, and one that is not of its kind: what nobody reads
 * does not hold, and what is not a number compares with nothing.
 *
 * @throws TaskDefinitionError that names the option and what it may be.
 */
export function checkOptions(options: unknown, kinds: Readonly<Record<string, Kind>>, what: string): void {
  if (!isObject(options)) {
    throw new TaskDefinitionError(`The options of ${what} must be an object (got ${show(options)}). ${known(kinds)}`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
    if (kind === undefined) {
      throw new TaskDefinitionError(`There is no option ${show(name)} of ${what}. ${known(kinds)}`)
    }
    mustBe(value, kind, `${name} of ${what}`)
  }
}

/** Refuses what is not of a kind. @throws TaskDefinitionError */
export function mustBe(value: unknown, kind: Kind, what: string): void {
  if (kind.is(value)) return
  throw new TaskDefinitionError(`${what} must be ${kind.words} (got ${show(value)}).`)
}

/**
 * A duration in milliseconds, `least` and up to a hundred years.
 *
 * @throws TaskDefinitionError for what is none.
 */
export function durationOf(value: Duration, what: string, least = 0): number {
  let milliseconds: number
  try {
    milliseconds = parseDuration(value, what)
  } catch (error) {
    throw new TaskDefinitionError((error as Error).message, { cause: error })
  }
  if (milliseconds < least) throw new TaskDefinitionError(`${what} must be at least ${least} ms.`)
  if (milliseconds > LONGEST_MS) throw new TaskDefinitionError(`${what} must be at most a hundred years.`)
  return milliseconds
}

/** Gives a value as a message may quote it: short, on one line, and never by running code of the value. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 120))
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

function known(kinds: Readonly<Record<string, Kind>>): string {
  return `Known options: ${Object.keys(kinds).join(', ')}.`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function has(value: unknown, ...functions: readonly string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return functions.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}
