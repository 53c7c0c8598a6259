import { TaskDefinitionError } from '../task-errors.js'

/** A cron expression, read: which values of each field match. */
export interface Cron {
  readonly seconds: ReadonlySet<number>
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  /** Both day fields are restricted: a day matches when either does (as in Vixie cron). */
  readonly eitherDay: boolean
  /** The hour field begins with `*`: it means "every so often", and follows elapsed time through changes of the clock. */
  readonly everyHour: boolean
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly names?: readonly string[]
  /** The number that the first name stands for. */
  readonly firstName?: number
}

const SECOND: Field = { name: 'second', from: 0, to: 59 }
const MINUTE: Field = { name: 'minute', from: 0, to: 59 }
const HOUR: Field = { name: 'hour', from: 0, to: 23 }
const DAY: Field = { name: 'day-of-month', from: 1, to: 31 }
const MONTH: Field = { name: 'month', from: 1, to: 12, names: MONTHS, firstName: 1 }
const WEEKDAY: Field = { name: 'day-of-week', from: 0, to: 7, names: WEEKDAYS, firstName: 0 }

/**
 * Reads a cron expression: five fields, six with seconds first, or a nickname such as `@daily`.
 *
 * Fields take `*`, numbers, ranges (`1-5`), steps (a slash and a number after `*` or a range), lists, and English three-letter
 * names for months and weekdays; Sunday is 0 or 7.
 *
 * @throws TaskDefinitionError that names the field and says what it may hold.
 */
export function parseCron(expression: string): Cron {
  const text = NICKNAMES[expression.trim().toLowerCase()] ?? expression.trim()
  const parts = text.split(/\s+/)
  if (parts.length === 5) parts.unshift('0')
  const [second, minute, hour, day, month, weekday] = parts
  if (
    parts.length !== 6 ||
    second === undefined ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined
  ) {
    throw new TaskDefinitionError(
      `Cron expression ${JSON.stringify(expression)} must have five fields (minute hour day-of-month month day-of-week) or six with seconds first.`,
    )
  }
  const weekdays = parseField(weekday, WEEKDAY, expression)
  if (weekdays.delete(7)) weekdays.add(0)
  return {
    seconds: parseField(second, SECOND, expression),
    minutes: parseField(minute, MINUTE, expression),
    hours: parseField(hour, HOUR, expression),
    days: parseField(day, DAY, expression),
    months: parseField(month, MONTH, expression),
    weekdays,
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
    everyHour: hour.startsWith('*'),
  }
}

function parseField(text: string, field: Field, expression: string): Set<number> {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(\*|[a-z0-9]+(?:-[a-z0-9]+)?)(?:\/(\d+))?$/i.exec(part)
    if (match === null) throw refuse(part, field, expression)
    const [, range = '', stepText] = match
    const step = stepText === undefined ? 1 : Number(stepText)
    const [from, to] = parseRange(range, stepText !== undefined, field, part, expression)
    if (step < 1 || from > to) throw refuse(part, field, expression)
    for (let value = from; value <= to; value += step) values.add(value)
  }
  return values
}

function parseRange(
  range: string,
  stepped: boolean,
  field: Field,
  part: string,
  expression: string,
): readonly [number, number] {
  if (range === '*') return [field.from, field === WEEKDAY ? 6 : field.to]
  const [first = '', last] = range.split('-')
  const from = parseValue(first, field, part, expression)
  if (last !== undefined) return [from, parseValue(last, field, part, expression)]
  return [from, stepped ? field.to : from]
}

function parseValue(text: string, field: Field, part: string, expression: string): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1
  const value = named >= 0 ? named + (field.firstName ?? 0) : /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= field.from && value <= field.to) return value
  throw refuse(part, field, expression)
}

function refuse(part: string, field: Field, expression: string): TaskDefinitionError {
  const names = field.names === undefined ? '' : ` or ${field.names[0]} to ${field.names.at(-1)}`
  return new TaskDefinitionError(
    `Cron expression ${JSON.stringify(expression)}: ${JSON.stringify(part)} is no ${field.name}; give ${field.from} to ${field.to}${names}, a range, a step or a list.`,
  )
}
